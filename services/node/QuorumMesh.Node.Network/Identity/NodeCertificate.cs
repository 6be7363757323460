using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Identity;

/// <summary>
/// A TLS certificate that a node makes for itself. TLS of .NET takes no secp256k1 keys, so its key is a P-256 one that lives in memory
/// alone, and an extension holds the node's public key and the node key's signature over the TLS key, as in libp2p's TLS handshake
/// (libp2p specs, tls/tls.md). Unlike there the dates are signed too: whoever steals a TLS key cannot lengthen its life.
/// </summary>
/// <remarks>
/// The extension is SEQUENCE { publicKey OCTET STRING (64 bytes X‖Y), signature OCTET STRING (65 bytes r‖s‖recovery id) }; what is
/// signed is Keccak-256 of <see cref="Domain"/>, notBefore and notAfter (seconds since 1970, 8 bytes each, big-endian), and the DER
/// of SubjectPublicKeyInfo. No other thing that a node key signs begins so: what is RLP begins with a list, above 0xbf.
/// </remarks>
public static class NodeCertificate
{
    /// <summary>Of an arc that needs no registration: 2.25 and a UUID (ITU-T X.667), 97686022-f09c-4095-84f4-ebce560ae777.</summary>
    public const string ExtensionOid = "2.25.201255376116354694701773225701170407287";

    private const string Domain = "quorummesh node certificate 1:";
    private const int PublicKeySize = 64;
    private const int SignatureSize = 65;

    /// <summary>How long one is shown before it is made anew.</summary>
    public static TimeSpan Renewal { get; } = TimeSpan.FromDays(1);

    /// <summary>Members whose clocks are further apart than this do not talk over TLS.</summary>
    private static readonly TimeSpan ClocksApart = TimeSpan.FromDays(1);

    private static readonly TimeSpan Life = TimeSpan.FromDays(7);

    /// <summary>A certificate with a new TLS key, for either side of a connection.</summary>
    public static X509Certificate2 Make(INodeSigner node, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Make(node, key, now - ClocksApart, now + Life);
    }

    internal static X509Certificate2 Make(INodeSigner node, ECDsa key, DateTimeOffset from, DateTimeOffset to)
    {
        // A certificate's times have no part of a second.
        (from, to) = (Whole(from), Whole(to));
        var request = new CertificateRequest($"CN=node {Convert.ToHexStringLower(node.PublicKey)[..16]}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var signature = node.Sign(Signed(from, to, request.PublicKey));
        request.CertificateExtensions.Add(new X509Extension(ExtensionOid, Encode(node.PublicKey, signature), critical: false));
        return request.CreateSelfSigned(from, to);
    }

    /// <summary>
    /// What the certificate says of its node. Dates are the caller's affair; that the peer holds the TLS key is the handshake's.
    /// </summary>
    /// <returns>Null for a certificate that does not speak of a node at all.</returns>
    public static NodeProof? Read(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var found = certificate.Extensions.Where(e => e.Oid?.Value == ExtensionOid).ToList();
        if (found.Count == 0) return null;
        if (found.Count > 1) return NodeProof.Bad("it names a node more than once");
        if (!TryDecode(found[0].RawData, out var node, out var signature)) return NodeProof.Bad("what it says of its node is damaged");
        DateTimeOffset from = certificate.NotBefore.ToUniversalTime(), to = certificate.NotAfter.ToUniversalTime();
        var recovered = new byte[PublicKeySize];
        var isSigned = Secp256k1.TryRecover(Bytes(Signed(from, to, certificate.PublicKey)), signature.AsSpan(0, SignatureSize - 1),
            signature[^1], recovered) && recovered.AsSpan().SequenceEqual(node);
        return isSigned ? new NodeProof(node, null)
            : NodeProof.Bad("the node that it names has not signed this TLS key with these dates: it is another's, copied or altered");
    }

    private static DateTimeOffset Whole(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static Hash256 Signed(DateTimeOffset from, DateTimeOffset to, PublicKey key)
    {
        var tlsKey = key.ExportSubjectPublicKeyInfo();
        var domain = Encoding.ASCII.GetBytes(Domain);
        var text = new byte[domain.Length + (2 * sizeof(long)) + tlsKey.Length];
        domain.CopyTo(text, 0);
        BinaryPrimitives.WriteInt64BigEndian(text.AsSpan(domain.Length), from.ToUnixTimeSeconds());
        BinaryPrimitives.WriteInt64BigEndian(text.AsSpan(domain.Length + sizeof(long)), to.ToUnixTimeSeconds());
        tlsKey.CopyTo(text, text.Length - tlsKey.Length);
        return Keccak.Hash(text);
    }

    private static byte[] Bytes(in Hash256 hash)
    {
        var bytes = new byte[Hash256.Size];
        hash.CopyTo(bytes);
        return bytes;
    }

    private static byte[] Encode(byte[] node, byte[] signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteOctetString(node);
            writer.WriteOctetString(signature);
        }
        return writer.Encode();
    }

    private static bool TryDecode(byte[] value, out byte[] node, out byte[] signature)
    {
        try
        {
            var reader = new AsnReader(value, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            (node, signature) = (sequence.ReadOctetString(), sequence.ReadOctetString());
            sequence.ThrowIfNotEmpty();
            return node.Length == PublicKeySize && signature.Length == SignatureSize;
        }
        catch (AsnContentException)
        {
            (node, signature) = ([], []);
            return false;
        }
    }
}

/// <summary>Whose a certificate says that it is.</summary>
/// <param name="Node">64 bytes X‖Y; null when the certificate is not to be believed.</param>
/// <param name="Problem">Why it is not.</param>
public sealed record NodeProof(byte[]? Node, string? Problem)
{
    internal static NodeProof Bad(string problem) => new(null, problem);
}
