using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>A signed or unsigned transaction of type 0, 1, 2 or 4.</summary>
public sealed class Transaction
{
    private byte[]? _encoded;
    private Hash256? _hash;

    public TransactionType Type { get; init; }
    /// <summary>As carried by typed transactions, or derived from V of an EIP-155 signature; null otherwise.</summary>
    public UInt256? ChainId => Type == TransactionType.Legacy ? DeriveChainId() : TypedChainId;
    /// <summary>The chain id field of a typed transaction.</summary>
    public UInt256 TypedChainId { get; init; }
    public ulong Nonce { get; init; }
    /// <summary>Wei per gas; maxFeePerGas for types 2 and 4.</summary>
    public UInt256 GasPrice { get; init; }
    /// <summary>Types 2 and 4 only; equals the gas price otherwise.</summary>
    public UInt256 MaxPriorityFee { get; init; }
    public ulong GasLimit { get; init; }
    /// <summary>Null for a contract creation.</summary>
    public Address? To { get; init; }
    public UInt256 Value { get; init; }
    /// <summary>Input data; the 64-byte payload hash when private. Treat as immutable.</summary>
    public byte[] Data { get; init; } = [];
    public IReadOnlyList<AccessListEntry> AccessList { get; init; } = [];
    /// <summary>Type 4 only (EIP-7702).</summary>
    public IReadOnlyList<Authorization> AuthorizationList { get; init; } = [];
    /// <summary>27/28, 35 + 2·chainId + recId, or 37/38 (private) for legacy; 0/1 for typed transactions; all zero when unsigned.</summary>
    public UInt256 V { get; init; }
    public UInt256 R { get; init; }
    public UInt256 S { get; init; }

    /// <summary>GoQuorum's only mark of a private transaction: V is 37 or 38.</summary>
    public bool IsPrivate => Type == TransactionType.Legacy && (V == 37u || V == 38u);

    /// <summary>
    /// The hash that is the data of a private transaction. Null for a public one, and for data of another length: what that names is the
    /// chain's word (<see cref="ChainRules.PayloadOf"/>).
    /// </summary>
    public PayloadHash? PayloadHash => IsPrivate && Data.Length == Primitives.PayloadHash.Size ? new PayloadHash(Data) : null;

    public bool IsCreation => To is null;

    /// <summary>True when V carries a chain id (EIP-155) rather than 27/28 or the private marks.</summary>
    public bool IsProtected => Type != TransactionType.Legacy || (V >= 35u && !IsPrivate);

    public Hash256 Hash => _hash ??= Keccak.Hash(EncodedSpan);

    /// <summary>Bytes of the consensus form.</summary>
    public int Size => EncodedSpan.Length;

    public ReadOnlySpan<byte> EncodedSpan => EncodedBytes;

    /// <summary>Not to be changed.</summary>
    internal byte[] EncodedBytes => _encoded ??= TransactionCodec.Encode(this);

    /// <summary>The consensus form: RLP for legacy, type ‖ RLP otherwise.</summary>
    public byte[] Encode() => EncodedSpan.ToArray();

    /// <summary>Writes the transaction as an item of a block body: typed ones are wrapped in a byte string.</summary>
    public void WriteItem(RlpWriter writer)
    {
        if (Type == TransactionType.Legacy)
            writer.WriteRaw(EncodedSpan);
        else
            writer.Write(EncodedSpan);
    }

    /// <summary>Decodes the consensus form, strictly.</summary>
    /// <exception cref="FormatException">Not a canonical transaction of a known type, or followed by more bytes.</exception>
    public static Transaction Decode(ReadOnlySpan<byte> encoded) => TransactionCodec.Decode(encoded);

    /// <summary>Reads the next item of a block body.</summary>
    public static Transaction DecodeItem(ref RlpReader reader) =>
        reader.IsList ? Decode(reader.ReadRaw()) : TransactionCodec.DecodeTyped(reader.ReadBytes());

    /// <summary>
    /// The hash to sign. For legacy transactions a chain id selects EIP-155, null the Homestead form (which private
    /// transactions always use); typed transactions carry their own chain id.
    /// </summary>
    public Hash256 SigningHash(UInt256? chainId = null) => Keccak.Hash(TransactionCodec.EncodeForSigning(this, chainId));

    public Transaction WithSignature(in UInt256 v, in UInt256 r, in UInt256 s) => new()
    {
        Type = Type,
        TypedChainId = TypedChainId,
        Nonce = Nonce,
        GasPrice = GasPrice,
        MaxPriorityFee = MaxPriorityFee,
        GasLimit = GasLimit,
        To = To,
        Value = Value,
        Data = Data,
        AccessList = AccessList,
        AuthorizationList = AuthorizationList,
        V = v,
        R = r,
        S = s,
    };

    internal void RememberEncoding(byte[] encoded) => _encoded = encoded;

    private UInt256? DeriveChainId() => IsProtected ? (V - 35u) / 2u : null;
}
