//! Owns how long the machine has run: the time that the system counts since its start, asleep or awake. No user can set
//! it.

/// Returns the id of this start of the machine, and how many nanoseconds the machine has run since. On Linux they come
/// from `CLOCK_BOOTTIME` of `clock_gettime(2)` and `/proc/sys/kernel/random/boot_id` of `random(4)`. Other systems
/// return `None`.
#[cfg(target_os = "linux")]
pub(crate) fn since_boot() -> Option<([u8; 16], u64)> {
    use std::sync::OnceLock;

    use rustix::time::{ClockId, clock_gettime};

    static BOOT_ID: OnceLock<Option<[u8; 16]>> = OnceLock::new();
    let boot_id = *BOOT_ID.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        uuid::Uuid::parse_str(text.trim()).ok().map(uuid::Uuid::into_bytes)
    });
    let passed = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(passed.tv_sec).ok()?.checked_mul(1_000_000_000)?;
    let nanos = secs.checked_add(u64::try_from(passed.tv_nsec).ok()?)?;
    boot_id.map(|boot_id| (boot_id, nanos))
}

#[cfg(not(target_os = "linux"))]
pub(crate) const fn since_boot() -> Option<([u8; 16], u64)> {
    None
}
