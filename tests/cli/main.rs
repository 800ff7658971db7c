//! Sessions at the command line: files, arguments, and everything that comes out.
//!
//! They show the wiring; what is decided about projects, trees and bases is tested where it is decided.

mod action;
mod codes;
mod diff;
mod explain;
mod gate;
mod images;
mod import;
mod init;
mod kustomize;
mod messages;
mod pin;
mod registry;
mod render;
mod report;
mod session;
mod upgrade;
mod upstream;
mod vendor;
