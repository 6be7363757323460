using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>Reads a JSON Web Key Set (RFC 7517).</summary>
internal static class TokenKeyList
{
    private const int Most = 100;

    /// <exception cref="FormatException">It is none, or holds no key that a token may be signed with here.</exception>
    public static IReadOnlyList<SecurityKey> Read(ReadOnlySpan<byte> json)
    {
        IList<SecurityKey> all;
        try
        {
            all = new JsonWebKeySet(Encoding.UTF8.GetString(json)).GetSigningKeys();
        }
        catch (Exception e) when (e is ArgumentException or System.Text.Json.JsonException or SecurityTokenException)
        {
            throw new FormatException("is no JSON Web Key Set", e);
        }
        // Symmetric keys would make whoever may check a token able to issue one.
        List<SecurityKey> usable = [.. all.Where(k => k is RsaSecurityKey or ECDsaSecurityKey or X509SecurityKey
            or JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA or JsonWebAlgorithmsKeyTypes.EllipticCurve })];
        if (usable.Count is 0 or > Most)
            throw new FormatException(
                $"has {usable.Count} RSA and elliptic curve keys for signatures, and between 1 and {Most} are wanted");
        return usable;
    }
}
