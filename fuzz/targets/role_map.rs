#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| podpass_fuzz::inject::role_map(data));
