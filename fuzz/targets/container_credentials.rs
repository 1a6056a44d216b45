#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| podpass_fuzz::inject::container_credentials(data));
