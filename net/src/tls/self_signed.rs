//! [`self_signed`].

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use std::io;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a certificate for development that nobody has signed but itself, valid for a year, and its key. Both are PEM
/// text: give them to `identity_pem` of the server, and the certificate to `root_pem` of the client.
///
/// ```
/// let (cert, key) = raddle_net::tls::self_signed(["localhost", "127.0.0.1"])?;
/// assert!(cert.contains("BEGIN CERTIFICATE") && key.contains("BEGIN PRIVATE KEY"));
/// # std::io::Result::Ok(())
/// ```
///
/// # Errors
/// When a name is neither a host name nor an address.
pub fn self_signed(names: impl IntoIterator<Item = impl Into<String>>) -> io::Result<(String, String)> {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    make(&names).map_err(|error| {
        let text = format!("make a self-signed certificate for {}: {error}", names.join(", "));
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

fn make(names: &[String]) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let now = SystemTime::now();
    // The clock of another machine may be behind.
    params.not_before = (now - DAY).into();
    params.not_after = (now + 365 * DAY).into();
    let key = KeyPair::generate()?;
    // Whoever trusts two certificates of one name, and meets the second, would try the key of the first.
    let id: String = key.public_key_raw().iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name.push(DnType::CommonName, format!("for development {id}"));
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}
