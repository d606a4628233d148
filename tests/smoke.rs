//! First signs of life, to be split by hazard.
use raddle::runtime::Builder;
use raddle::time::{Duration, Instant};

#[test]
fn spawn_join_many() {
    let rt = Builder::new().worker_threads(2).build().unwrap();
    let sum = rt.block_on(async {
        raddle::spawn(async {
            let hs: Vec<_> = (0..10_000u64).map(|n| raddle::spawn(async move { n })).collect();
            let mut s = 0;
            for h in hs {
                s += h.await.unwrap();
            }
            s
        })
        .await
        .unwrap()
    });
    assert_eq!(sum, 9999 * 10_000 / 2);
    let report = rt.shutdown(Duration::from_secs(1));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn sleeps_and_yields() {
    let rt = Builder::new().worker_threads(2).build().unwrap();
    let t = Instant::now();
    rt.block_on(async {
        let hs: Vec<_> = (0..100u64)
            .map(|n| {
                raddle::spawn(async move {
                    raddle::time::sleep(Duration::from_micros(n * 300)).await;
                    raddle::yield_now().await;
                })
            })
            .collect();
        for h in hs {
            h.await.unwrap();
        }
    });
    assert!(t.elapsed() >= Duration::from_micros(99 * 300));
    assert!(t.elapsed() < Duration::from_millis(300));
}

#[test]
fn paused() {
    for ct in [false, true] {
        let mut b = Builder::new().worker_threads(2).start_paused(true);
        if ct {
            b = b.current_thread();
        }
        let rt = b.build().unwrap();
        let real = std::time::Instant::now();
        let t = Instant::now();
        let virt = rt.block_on(async {
            let t = Instant::now();
            let a = raddle::spawn(async {
                raddle::time::sleep(Duration::from_secs(3600)).await;
            });
            raddle::time::sleep(Duration::from_secs(60)).await;
            a.await.unwrap();
            t.elapsed()
        });
        let _ = t;
        assert_eq!(virt, Duration::from_secs(3600));
        assert!(real.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn blocking_and_cancel() {
    let rt = Builder::new().worker_threads(2).build().unwrap();
    rt.block_on(async {
        let hs: Vec<_> = (0..1000u64).map(|n| raddle::spawn_blocking(move || n)).collect();
        let mut s = 0;
        for h in hs {
            s += h.await.unwrap();
        }
        assert_eq!(s, 999 * 500);
        let h = raddle::spawn(std::future::pending::<()>());
        raddle::yield_now().await;
        h.cancel_with("enough");
        let e = h.await.unwrap_err();
        assert_eq!(e.reason(), Some("enough"));
        let r = raddle::block_in_place(|| 5);
        assert_eq!(r, 5);
        let h = raddle::spawn(async {
            raddle::block_in_place(|| {
                raddle::runtime::Handle::current()
                    .block_on(async { raddle::spawn(async { 7 }).await.unwrap() })
            })
        });
        assert_eq!(h.await.unwrap(), 7);
        let h = raddle::spawn_pinned(|| {
            let rc = std::rc::Rc::new(3);
            async move {
                raddle::yield_now().await;
                *rc
            }
        });
        assert_eq!(h.await.unwrap(), 3);
    });
}

#[test]
fn shutdown_with_parked() {
    let rt = Builder::new().worker_threads(2).build().unwrap();
    for _ in 0..10000 {
        rt.spawn(std::future::pending::<()>()).detach();
    }
    let report = rt.shutdown(Duration::from_secs(5));
    assert_eq!(report.tasks_left, 0, "{report}");
    assert_eq!(report.tasks_dropped, 10000);
}
