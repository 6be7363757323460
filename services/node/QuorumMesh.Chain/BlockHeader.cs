using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>The 15-item header that GoQuorum keeps for ever (no base fee, withdrawals or blob fields).</summary>
public sealed record BlockHeader
{
    private byte[]? _encoded;
    private Hash256? _hash;

    public BlockHeader()
    {
    }

    // Written out: the copy of a record would take the cached encoding and hash along, and a changed header would keep the old
    // hash.
    private BlockHeader(BlockHeader other)
    {
        ParentHash = other.ParentHash;
        UncleHash = other.UncleHash;
        Coinbase = other.Coinbase;
        StateRoot = other.StateRoot;
        TransactionsRoot = other.TransactionsRoot;
        ReceiptsRoot = other.ReceiptsRoot;
        Bloom = other.Bloom;
        Difficulty = other.Difficulty;
        Number = other.Number;
        GasLimit = other.GasLimit;
        GasUsed = other.GasUsed;
        Time = other.Time;
        ExtraData = other.ExtraData;
        MixHash = other.MixHash;
        Nonce = other.Nonce;
    }

    /// <summary>Of the block before; zero in the genesis.</summary>
    public Hash256 ParentHash { get; init; }
    /// <summary>Always that of an empty list: no engine of ours makes uncles.</summary>
    public Hash256 UncleHash { get; init; } = Hash256.EmptyUncles;
    /// <summary>Under IBFT the candidate that is voted on, or zero; the proposer is in the seal. Under GoQuorum's Raft
    /// zero.</summary>
    public Address Coinbase { get; init; }
    /// <summary>Of the public state after the block. Private roots are in no header.</summary>
    public Hash256 StateRoot { get; init; }
    /// <summary>Trie over the transactions, private ones as their hashes.</summary>
    public Hash256 TransactionsRoot { get; init; } = Hash256.EmptyTrie;
    /// <summary>Trie over the public receipts only.</summary>
    public Hash256 ReceiptsRoot { get; init; } = Hash256.EmptyTrie;
    /// <summary>Over the public receipts only. Treat as immutable.</summary>
    public Bloom Bloom { get; init; } = new();
    /// <summary>1 under IBFT; Ethash's formula under GoQuorum's Raft, without any work.</summary>
    public UInt256 Difficulty { get; init; }
    /// <summary>0 for the genesis.</summary>
    public ulong Number { get; init; }
    /// <summary>Gas for the public transactions and the intrinsic gas of private ones.</summary>
    public ulong GasLimit { get; init; }
    /// <summary>Of public transactions: private ones count 0 (2.5:core/state_transition.go).</summary>
    public ulong GasUsed { get; init; }
    /// <summary>A <see cref="BlockTime"/> in the unit of <see cref="ChainConfig.BlockTimeUnit"/>.</summary>
    public ulong Time { get; init; }
    /// <summary>Vanity and seals, as the engine has them; a Raft minter's signature, which nobody checks.</summary>
    public byte[] ExtraData { get; init; } = [];
    /// <summary>Istanbul's digest marks a header whose hash leaves the committed seals out.</summary>
    public Hash256 MixHash { get; init; }
    /// <summary>The 8 bytes read as a big-endian number.</summary>
    public ulong Nonce { get; init; }

    /// <summary>
    /// Keccak-256 of the encoded header; under the Istanbul digest, of the header without its committed seals,
    /// so that the same block with different seal sets has one hash.
    /// </summary>
    public Hash256 Hash => _hash ??= IstanbulHeader.BlockHash(this) ?? Keccak.Hash(EncodedSpan);

    private ReadOnlySpan<byte> EncodedSpan => _encoded ??= EncodeNow();

    /// <summary>The RLP list of 15 items.</summary>
    public byte[] Encode() => EncodedSpan.ToArray();

    /// <summary>As <see cref="Encode"/>, into a writer.</summary>
    public void Write(RlpWriter writer) => writer.WriteRaw(EncodedSpan);

    /// <exception cref="FormatException">The item is not a header of 15 canonical fields.</exception>
    public static BlockHeader Decode(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var header = new BlockHeader
        {
            ParentHash = list.ReadHash256(),
            UncleHash = list.ReadHash256(),
            Coinbase = list.ReadAddress(),
            StateRoot = list.ReadHash256(),
            TransactionsRoot = list.ReadHash256(),
            ReceiptsRoot = list.ReadHash256(),
            Bloom = new Bloom(list.ReadBytes(Bloom.Size)),
            Difficulty = list.ReadUInt256(),
            Number = list.ReadUInt64(),
            GasLimit = list.ReadUInt64(),
            GasUsed = list.ReadUInt64(),
            Time = list.ReadUInt64(),
            ExtraData = list.ReadBytes().ToArray(),
            MixHash = list.ReadHash256(),
            Nonce = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(list.ReadBytes(8)),
        };
        list.ExpectEnd();
        return header;
    }

    /// <summary>Reads what <see cref="Encode"/> writes. Throws <see cref="FormatException"/>.</summary>
    public static BlockHeader Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var header = Decode(ref reader);
        reader.ExpectEnd();
        return header;
    }

    // By all bytes, committed seals too: two headers of one hash may differ there.
    public bool Equals(BlockHeader? other) => other is not null && EncodedSpan.SequenceEqual(other.EncodedSpan);

    public override int GetHashCode() => Hash.GetHashCode();

    private byte[] EncodeNow()
    {
        Span<byte> nonce = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(nonce, Nonce);
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.Write(ParentHash);
        writer.Write(UncleHash);
        writer.Write(Coinbase);
        writer.Write(StateRoot);
        writer.Write(TransactionsRoot);
        writer.Write(ReceiptsRoot);
        writer.Write(Bloom.Span);
        writer.Write(Difficulty);
        writer.Write(Number);
        writer.Write(GasLimit);
        writer.Write(GasUsed);
        writer.Write(Time);
        writer.Write(ExtraData);
        writer.Write(MixHash);
        writer.Write(nonce);
        writer.EndList(mark);
        return writer.ToArray();
    }
}
