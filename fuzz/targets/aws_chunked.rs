#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| podpass_sandbox::fuzzing::aws_chunked(data));
