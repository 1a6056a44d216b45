//! The fingerprint of RSA keys from the broken generator of CVE-2017-15361 ("ROCA").

/// Tells whether the modulus, big-endian and of at least 1984 bits, was made by the broken generator.
///
/// Its primes are powers of 65537 modulo the product of the first primes, so modulo each of these primes the modulus is
/// a power of 65537 too. Of other moduli practically none is so modulo all of the 126 primes: the first few decide.
/// Source: Nemec et al., "The Return of Coppersmith's Attack", 2017, section 3.
pub(crate) fn is_fingerprinted(modulus: &[u8]) -> bool {
    (2..=LARGEST_PRIME)
        .filter(|&number| is_prime(number))
        .all(|prime| is_power_of_generator(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, &byte| (rest << 8 | u32::from(byte)) % divisor)
}

fn is_power_of_generator(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * GENERATOR % prime;
        if power == 1 {
            return false;
        }
    }
}

fn is_prime(number: u32) -> bool {
    (2..number).all(|divisor| !number.is_multiple_of(divisor))
}

const GENERATOR: u32 = 65537;

/// The 126th prime: the generator used as many for keys of 1984 bits and more.
const LARGEST_PRIME: u32 = 701;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_as_many_primes_as_the_paper_says() {
        let primes = (2..=LARGEST_PRIME).filter(|&number| is_prime(number));
        assert_eq!(primes.count(), 126);
    }

    #[test]
    fn powers_of_the_generator_are_fingerprinted() {
        assert!(is_fingerprinted(&[1, 0, 1]));
        assert!(is_fingerprinted(&[1, 0, 2, 0, 1]));
        assert!(!is_fingerprinted(&[1, 0, 2, 0, 3]));
    }
}
