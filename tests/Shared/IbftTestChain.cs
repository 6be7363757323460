using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Tests.Shared;

/// <summary>A small IBFT chain of four validators, made block by block with real seals, roots and receipts.</summary>
internal sealed class IbftTestChain
{
    public const int Validators = 4;
    private const ulong GenesisTime = 1_600_000_000;

    private static readonly byte[][] Keys = [.. Enumerable.Range(1, Validators).Select(TestChain.Key)];

    private readonly ChainImporter _importer;

    public IbftTestChain() => _importer = new ChainImporter(Stores);

    public static byte[] Genesis { get; } = System.Text.Encoding.UTF8.GetBytes($$"""
        { "alloc": { "0x00000000000000000000000000000000000000ff": { "balance": "1000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
                      "isQuorum": true, "istanbul": { "epoch": 30000, "policy": 0 } },
          "difficulty": "0x1", "gasLimit": "0xE0000000", "timestamp": "0x{{GenesisTime:x}}", "mixHash": "{{IstanbulHeader.Digest}}",
          "extraData": "{{Hex.ToHex(Extra().Encode())}}" }
        """);

    public NodeStores Stores { get; } = Open(new MemoryKeyValueStore());

    public BlockHeader Head => _importer.Head;

    /// <summary>The stores of the same chain at its genesis, or as far as they are.</summary>
    public static NodeStores Open(IKeyValueStore store)
    {
        if (GenesisStore.Load(store) is null) GenesisStore.Initialise(store, Genesis, profile: null);
        var (config, profile) = (GenesisStore.Load(store)!.Config, GenesisStore.LoadProfile(store));
        return new NodeStores(store, new ChainRules(config, profile, EngineFactory.Create(config, profile, store)));
    }

    /// <summary>A block with these transactions, sealed by three validators, on the head.</summary>
    /// <param name="vanity">Makes it another block than one with another vanity.</param>
    public Block Mine(byte vanity = 0, params Transaction[] transactions)
    {
        var block = Next(vanity, transactions);
        _importer.Import(block);
        return block;
    }

    /// <summary>A block that another such chain has made.</summary>
    public void Add(Block block) => _importer.Import(block);

    public BlockHeader? HeaderAt(ulong number) => ChainStore.GetHeader(Stores.KeyValues, number);

    public Block BlockAt(ulong number) => ChainStore.GetBlock(Stores.KeyValues, number)!;

    public static Hash256 HeadOf(NodeStores stores) => ChainStore.GetPublicHead(stores.KeyValues)!.Value.Hash;

    /// <summary>The header with other committed seals; its hash stays.</summary>
    public static BlockHeader WithSeals(BlockHeader header, params byte[][] seals)
    {
        Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var extra));
        return header with { ExtraData = (extra with { CommittedSeals = seals }).Encode() };
    }

    /// <summary>Sealed by three validators, whatever it says.</summary>
    public static BlockHeader Seal(BlockHeader header)
    {
        Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var extra));
        extra = extra with { Seal = [], CommittedSeals = [] };
        var proposer = Keys[(int)(header.Number % Validators)];
        extra = extra with { Seal = Secp256k1.Sign(proposer, IstanbulHeader.ProposerSealHash(header, extra).ToArray()) };
        var hash = IstanbulHeader.CommittedSealHash((header with { ExtraData = extra.Encode() }).Hash).ToArray();
        return WithSeals(header with { ExtraData = extra.Encode() }, [.. Keys.Take(3).Select(key => Secp256k1.Sign(key, hash))]);
    }

    private static IstanbulExtra Extra(byte vanity = 0)
    {
        var bytes = new byte[IstanbulExtra.VanitySize];
        bytes[0] = vanity;
        return new IstanbulExtra(bytes, [.. Keys.Select(TestChain.AddressOf).Order()], [], []);
    }

    private Block Next(byte vanity, Transaction[] transactions)
    {
        var header = new BlockHeader
        {
            ParentHash = Head.Hash,
            Number = Head.Number + 1,
            Difficulty = UInt256.One,
            GasLimit = Head.GasLimit,
            Time = Head.Time + 1,
            MixHash = IstanbulHeader.Digest,
            ExtraData = Extra(vanity).Encode(),
        };
        var author = TestChain.AddressOf(Keys[(int)(header.Number % Validators)]);
        var recovered = Stores.Senders.RecoverAll(transactions, Stores.Rules.SenderRulesAt(header.Number))!;
        var built = Stores.Builder.Build(
            header, author, new InOrder(recovered),
            new(Stores.Public.Head, null, number => ChainStore.GetCanonicalHash(Stores.KeyValues, number) ?? default), new BuildLimits());
        return built.Block with { Header = Seal(built.Block.Header) };
    }

    private sealed class InOrder(RecoveredTransaction[] transactions) : ITransactionSource
    {
        private int _at;

        public RecoveredTransaction? Peek() => _at < transactions.Length ? transactions[_at] : null;

        public void Shift() => _at++;

        public void Pop() => _at++;
    }
}
