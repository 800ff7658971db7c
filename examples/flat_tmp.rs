use std::sync::Arc;
use tenantry::kustomize::*;
fn main(){
 let dir=std::env::args().nth(1).unwrap(); let root=std::env::args().nth(2).unwrap_or_default();
 let t0=std::time::Instant::now();
 let mut tree=Tree::new("");
 for e in walkdir::WalkDir::new(&dir){let e=e.unwrap(); if e.file_type().is_file(){let p=e.path().strip_prefix(&dir).unwrap().to_str().unwrap().to_owned(); if p.starts_with(".git/"){continue} tree.add_file(&p,std::fs::read(e.path()).unwrap()).unwrap();}}
 let mut s=Default::default(); let mut d=tenantry::diagnostic::Diagnostics::default();
 let t1=std::time::Instant::now();
 let r=flatten(&Arc::new(tree),&root,&Options::default(),&mut s,&mut d,&mut |r|anyhow::bail!("remote {r}"));
 let t2=std::time::Instant::now();
 for x in d.iter(){eprintln!("{} {:?}",x.message,x.span.map(|p|(s.get(p.file).path.clone(),s.line_column(p.file,p.start))));}
 match r {Ok(f)=>{let mut o=String::new(); tenantry::yaml::emit_documents(f.objects.iter().map(|x|&x.body),&mut o); eprintln!("{} objects read {:?} flatten {:?} emit {:?}",f.objects.len(),t1-t0,t2-t1,t2.elapsed()); if std::env::args().nth(3).is_some(){print!("{o}")}}, Err(e)=>eprintln!("{e:?}")}
}
