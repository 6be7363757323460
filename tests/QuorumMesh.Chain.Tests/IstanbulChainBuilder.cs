using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Tests;

/// <summary>Makes IBFT headers with real seals; validator i is the key keccak(i).</summary>
internal sealed class IstanbulChainBuilder
{
    public const ulong Time = 1_600_000_000;

    private static readonly byte[][] _keys = [.. Enumerable.Range(0, 10).Select(i => Keccak.Hash([(byte)i]).ToArray())];

    public IstanbulChainBuilder(int validators = 4, ulong epoch = 30_000)
    {
        Config = new ChainConfig { Engine = EngineKind.Ibft, Istanbul = new IstanbulConfig(epoch, Policy: 0, Ceil2Nby3Block: null) };
        Genesis = new BlockHeader
        {
            Difficulty = UInt256.One,
            GasLimit = 0xE0000000,
            Time = Time,
            MixHash = IstanbulHeader.Digest,
            ExtraData = new IstanbulExtra(new byte[32], [.. Enumerable.Range(0, validators).Select(i => Validator(i))], [], []).Encode(),
        };
        Head = Genesis;
        Chain = new BftChain(Config, CompatibilityProfile.V2_5, Store);
        Rules = new ChainRules(Config, CompatibilityProfile.V2_5, new EngineSchedule(Engine) { Bft = Chain });
        Store.Write(BatchOf(Genesis), sync: false);
    }

    public MemoryKeyValueStore Store { get; } = new();

    public ChainConfig Config { get; }

    public BftChain Chain { get; }

    public IstanbulHeaderRules Engine => new(Chain);

    public ChainRules Rules { get; }

    public BlockHeader Genesis { get; }

    public BlockHeader Head { get; private set; }

    public IstanbulSnapshot Snapshot => Chain.SnapshotAfter(Head);

    public static Address Validator(int i) => Secp256k1.AddressOf(Secp256k1.PublicKey(_keys[i]));

    /// <summary>The next header, sealed by its proposer and the committers.</summary>
    public BlockHeader Next(int proposer, Address candidate = default, bool add = false, int[]? committers = null,
        Func<BlockHeader, BlockHeader>? change = null)
    {
        var header = new BlockHeader
        {
            ParentHash = Head.Hash,
            Number = Head.Number + 1,
            Coinbase = candidate,
            Nonce = add ? ulong.MaxValue : 0,
            Difficulty = UInt256.One,
            GasLimit = Head.GasLimit,
            Time = Head.Time + 1,
            MixHash = IstanbulHeader.Digest,
            ExtraData = new IstanbulExtra(new byte[32], Snapshot.Validators.Addresses, [], []).Encode(),
        };
        return Seal(change is null ? header : change(header), proposer,
            committers ?? [.. Enumerable.Range(0, 10).Where(i => Snapshot.Validators.Contains(Validator(i)))]);
    }

    /// <summary>Adds a header, which must be valid.</summary>
    public IstanbulSnapshot Add(int proposer, Address candidate = default, bool add = false)
    {
        var header = Next(proposer, candidate, add);
        Assert.Null(Engine.VerifyHeader(header, Head));
        Store.Write(BatchOf(header), sync: false);
        Head = header;
        return Snapshot;
    }

    /// <summary>Signs whatever is there; extra data that does not decode stays as it is.</summary>
    private static BlockHeader Seal(BlockHeader header, int proposer, int[] committers)
    {
        if (!IstanbulExtra.TryDecode(header.ExtraData, out var extra)) return header;
        extra = extra with { Seal = Secp256k1.Sign(_keys[proposer], IstanbulHeader.ProposerSealHash(header, extra).ToArray()) };
        var hash = IstanbulHeader.CommittedSealHash((header with { ExtraData = extra.Encode() }).Hash);
        return header with
        {
            ExtraData =
            (extra with { CommittedSeals = [.. committers.Select(c => Secp256k1.Sign(_keys[c], hash.ToArray()))] }).Encode()
        };
    }

    private KeyValueBatch BatchOf(BlockHeader header)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutBlock(batch, new Block(header, []), header.Number);
        Chain.PutAlongside(batch, Rules, header, EmptyState.Instance);
        return batch;
    }
}
