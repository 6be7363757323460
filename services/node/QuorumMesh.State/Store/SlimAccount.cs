using QuorumMesh.Primitives;

namespace QuorumMesh.State.Store;

/// <summary>
/// Account as the flat table holds it: its RLP with empty storage root and code hash left out, and privacy metadata behind them where
/// there is some.
/// </summary>
internal static class SlimAccount
{
    /// <returns>Empty for null.</returns>
    public static byte[] Encode(Account? account)
    {
        if (account is not { } present) return [];
        Span<byte> buffer = stackalloc byte[192];
        var at = 0;
        buffer[at++] = 0; // list header, filled in below
        at = WriteNumber(buffer, at, present.Nonce);
        at = WriteNumber(buffer, at, present.Balance);
        at = WriteHash(buffer, at, present.StorageRoot, Hash256.EmptyTrie);
        at = WriteHash(buffer, at, present.CodeHash, Hash256.EmptyCode);
        if (present.Privacy is { } privacy) at = WritePrivacy(buffer, at, privacy);
        var payload = at - 1;
        if (payload < 56)
        {
            buffer[0] = (byte)(0xc0 + payload);
            return buffer[..at].ToArray();
        }

        var encoded = new byte[at + 1];
        encoded[0] = 0xf8;
        encoded[1] = (byte)payload;
        buffer[1..at].CopyTo(encoded.AsSpan(2));
        return encoded;
    }

    /// <returns>Null for empty.</returns>
    public static Account? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == 0) return null;
        var list = new RlpReader(encoded).ReadList();
        var account = new Account(list.ReadUInt64(), list.ReadUInt256(), ReadHash(ref list, Hash256.EmptyTrie),
            ReadHash(ref list, Hash256.EmptyCode));
        if (!list.End) account = account with { Privacy = PrivacyMetadata.Read(list.ReadBytes()) };
        list.ExpectEnd();
        return account;
    }

    private static Hash256 ReadHash(ref RlpReader list, in Hash256 whenEmpty)
    {
        var bytes = list.ReadBytes();
        return bytes.Length == 0 ? whenEmpty : new Hash256(bytes);
    }

    private static int WriteHash(Span<byte> buffer, int at, in Hash256 hash, in Hash256 whenEmpty)
    {
        if (hash == whenEmpty)
        {
            buffer[at] = 0x80;
            return at + 1;
        }

        buffer[at] = 0xa0;
        hash.CopyTo(buffer[(at + 1)..]);
        return at + 33;
    }

    private static int WritePrivacy(Span<byte> buffer, int at, PrivacyMetadata privacy)
    {
        buffer[at] = 0xb8;
        buffer[at + 1] = PrivacyMetadata.Size;
        privacy.WriteTo(buffer[(at + 2)..]);
        return at + 2 + PrivacyMetadata.Size;
    }

    private static int WriteNumber(Span<byte> buffer, int at, in UInt256 value)
    {
        Span<byte> word = stackalloc byte[32];
        value.WriteBigEndian(word);
        var digits = word.TrimStart((byte)0);
        if (digits.Length != 1 || digits[0] >= 0x80) buffer[at++] = (byte)(0x80 + digits.Length);
        digits.CopyTo(buffer[at..]);
        return at + digits.Length;
    }
}
