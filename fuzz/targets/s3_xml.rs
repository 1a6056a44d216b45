#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| podpass_sandbox::fuzzing::s3_xml(data));
