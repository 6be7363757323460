using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>One tuple of an EIP-7702 authorisation list: its signer lets <paramref name="Address"/> be its code.</summary>
/// <param name="ChainId">0 is good on every chain.</param>
/// <param name="Address">The zero address takes the delegation back.</param>
/// <param name="Nonce">That the signer's account must have.</param>
public sealed record Authorization(UInt256 ChainId, Address Address, ulong Nonce, byte YParity, UInt256 R, UInt256 S)
{
    private const byte Magic = 0x05;

    /// <summary>keccak(0x05 ‖ RLP([chain id, address, nonce])), what the authority signs (EIP-7702).</summary>
    public Hash256 SigningHash() => SigningHash(ChainId, Address, Nonce);

    /// <summary>False for a signature that is not valid; the tuple is passed over then, the transaction is not.</summary>
    public bool TryRecover(out Address authority)
    {
        authority = default;
        if (YParity > 1 || R.IsZero || R >= Secp256k1.Order || S.IsZero || S > Secp256k1.HalfOrder)
            return false;
        Span<byte> bytes = stackalloc byte[96];
        SigningHash().CopyTo(bytes);
        R.WriteBigEndian(bytes.Slice(32, 32));
        S.WriteBigEndian(bytes.Slice(64, 32));
        return Secp256k1.TryRecoverAddress(bytes[..32], bytes[32..], YParity, out authority);
    }

    /// <summary>A tuple signed with a private key of 32 bytes.</summary>
    public static Authorization Sign(in UInt256 chainId, in Address address, ulong nonce, ReadOnlySpan<byte> privateKey)
    {
        Span<byte> hash = stackalloc byte[Hash256.Size];
        SigningHash(chainId, address, nonce).CopyTo(hash);
        var signature = Secp256k1.Sign(privateKey, hash);
        return new Authorization(chainId, address, nonce, signature[64], UInt256.FromBigEndian(signature.AsSpan(0, 32)),
            UInt256.FromBigEndian(signature.AsSpan(32, 32)));
    }

    /// <exception cref="FormatException">Not six fields within the EIP's bounds.</exception>
    internal static Authorization Read(ref RlpReader list)
    {
        var fields = list.ReadList();
        var (chainId, address, nonce) = (fields.ReadUInt256(), fields.ReadAddress(), fields.ReadUInt64());
        var parity = fields.ReadUInt64();
        if (parity > byte.MaxValue)
            throw new FormatException($"the y parity of an authorization does not fit 8 bits: {parity}");
        var authorization = new Authorization(chainId, address, nonce, (byte)parity, fields.ReadUInt256(), fields.ReadUInt256());
        fields.ExpectEnd();
        return authorization;
    }

    internal void Write(RlpWriter writer)
    {
        var mark = writer.BeginList();
        writer.Write(ChainId);
        writer.Write(Address);
        writer.Write(Nonce);
        writer.Write((ulong)YParity);
        writer.Write(R);
        writer.Write(S);
        writer.EndList(mark);
    }

    private static Hash256 SigningHash(in UInt256 chainId, in Address address, ulong nonce)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.Write(chainId);
        writer.Write(address);
        writer.Write(nonce);
        writer.EndList(mark);
        return Keccak.Hash([Magic, .. writer.WrittenSpan]);
    }
}
