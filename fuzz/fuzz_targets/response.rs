#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| reoclo_docker_auth::fuzz::response(text));
