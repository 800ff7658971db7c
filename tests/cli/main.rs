//! Sessions at the command line: files, arguments, and everything that comes out.
//!
//! They show the wiring; what is decided about projects, trees and bases is tested where it is decided.

mod action;
mod codes;
mod diff;
mod gate;
mod images;
mod init;
mod kustomize;
mod messages;
mod render;
mod session;
mod upstream;
mod vendor;
