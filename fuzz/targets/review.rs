#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| podpass_webhook::fuzzing::review(data));
