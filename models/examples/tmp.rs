use narrows::config::Config; use narrows::training::*; use narrows_engine::Threads;
struct P; impl Observer for P { fn epoch(&mut self, r:&EpochRecord){ println!("{} {:.4} {:.3}s", r.epoch, r.loss, r.seconds);} }
fn main(){ let a:Vec<String>=std::env::args().collect(); let mut c=Config::default(); for kv in &a[2..] { let (k,v)=kv.split_once('=').unwrap(); c.set(k,v).unwrap(); }
 let pool=rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
 let o=train(&TrainRequest{config:c,out:a[1].clone().into(),max_steps:None},Threads::Pool(&pool),&mut P); match o {Ok(o)=>println!("{o:?}"),Err(e)=>println!("{e}")} }
