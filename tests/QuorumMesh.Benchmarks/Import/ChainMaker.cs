using System.Text.Json.Nodes;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Cli.Network;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Benchmarks.Import;

/// <summary>
/// Makes a chain on disk, block by block, Raft's or one of four IBFT validators that GoQuorum 2.5 takes: of each three transactions one
/// pays one of 100,000 accounts, one writes one of 100,000 slots of a contract and logs it, one pays an account that was not there before.
/// </summary>
internal sealed class ChainMaker : IDisposable
{
    private const int Senders = 16;
    private const int Targets = 100_000;
    private const int Validators = 4;
    private const int Quorum = 3;
    public const ulong ChainId = 10;
    private static readonly Address Contract = Address.FromWord(0x1000u);

    /// <summary>slot[first word] = second word, and a log with the first word as its topic.</summary>
    private const string Code = "0x6020356000355560003560006000a100";

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
    private readonly byte[][] _keys = KeysFrom(0, Senders);
    private readonly byte[][] _validators = KeysFrom(Senders, Validators);
    private readonly BftBlockProducer? _ibft;
    private readonly Address[] _senders;
    private readonly ulong[] _nonces = new ulong[Senders];
    private readonly RocksKeyValueStore _store;
    private readonly NodeStores _stores;
    private BlockHeader _head;
    private ulong _made;
    private readonly LinearRandom _random = new(12345);

    public ChainMaker(bool isIbft = false)
    {
        _senders = Array.ConvertAll(_keys, AddressOf);
        _store = RocksKeyValueStore.Open(_directory);
        Genesis = isIbft ? IbftGenesis() : RaftGenesis();
        GenesisStore.Initialise(_store, System.Text.Encoding.UTF8.GetBytes(Genesis), profile: null);
        var config = GenesisStore.Load(_store)!.Config;
        var profile = GenesisStore.LoadProfile(_store);
        _stores = new NodeStores(_store, new ChainRules(config, profile, EngineFactory.Create(config, profile, _store)));
        if (isIbft) _ibft = new BftBlockProducer(_stores.Rules);
        _head = ChainStore.GetHeader(_store, 0)!;
    }

    public string Genesis { get; }

    private string RaftGenesis() => $$"""
        { "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0,
                      "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000",
          "alloc": { "{{Contract}}": { "balance": "0", "code": "{{Code}}" }, {{string.Join(", ", _senders.Select(static s => $$"""
        "{{s}}": { "balance": "0xffffffffffffffff" }
        """))}} } }
        """;

    public byte[] Next(int transactions)
    {
        var made = new RecoveredTransaction[transactions];
        for (var i = 0; i < transactions; i++) made[i] = Transaction();
        var author = _ibft is null ? default : AddressOf(Proposer);
        var built = _stores.Builder.Build(Prepare(author), author, new TransactionList(made),
            new(_stores.Public.Head, _stores.Private.Head, static _ => default), new BuildLimits());
        if (_ibft is not null) built = built.WithHeader(Seal(_ibft, built.Block.Header));
        if (built.Block.Transactions.Count != transactions || built.Execution.Receipts.Any(static r => r.Status != 1))
            throw new InvalidOperationException("a transaction of the benchmark failed");
        var imported = built.ToImported();
        var batch = new KeyValueBatch();
        _stores.Importer.Put(batch, imported, UInt256.Zero);
        if (built.Block.Number > 200) _stores.Public.Prune(built.Block.Number - 200, batch, int.MaxValue);
        _store.Write(batch, sync: false);
        _stores.Importer.Advance(imported);
        _head = built.Block.Header;
        return built.Block.Encode();
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private byte[] Proposer => _validators[(int)((_head.Number + 1) % Validators)];

    private BlockHeader Prepare(in Address author) => _ibft is not null ? _ibft.Prepare(_head, now: 0, author)
        : new RaftBlockProducer(_stores.Rules.Config, _stores.Rules.Profile)
            .Prepare(_head, BlockTime.OfNanoseconds(_head.Time + 50_000_000));

    private BlockHeader Seal(BftBlockProducer ibft, BlockHeader built)
    {
        var proposal = ibft.SealProposal(built, hash => Secp256k1.Sign(Proposer, hash.ToArray()));
        var said = ibft.CommittedSealHash(proposal, round: 0).ToArray();
        return ibft.WithCommits(proposal, round: 0, [.. _validators.Take(Quorum).Select(key => Secp256k1.Sign(key, said))]);
    }

    private string IbftGenesis()
    {
        var request = new NetworkRequest(_directory, Validators, NetworkRequest.Ibft, "constantinople", ChainId, "2.5", PortOffset: 0);
        var genesis = JsonNode.Parse(GenesisTemplate.Create(request, ChainId, _senders, [.. _validators.Select(AddressOf)]))!;
        genesis["alloc"]![Contract.ToString()] = new JsonObject { ["balance"] = "0", ["code"] = Code };
        return genesis.ToJsonString();
    }

    private static byte[][] KeysFrom(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(static i => Keccak.Hash(BitConverter.GetBytes(i)).ToArray())];

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));

    private RecoveredTransaction Transaction()
    {
        var number = _made++;
        var from = (int)(number % Senders);
        var (to, value, data) = (number % 3) switch
        {
            0 => (BenchAccount.At(_random.Below(Targets)), UInt256.One, []),
            1 => (Contract, UInt256.Zero,
                [.. ((UInt256)(ulong)_random.Below(Targets)).ToBigEndian(), .. ((UInt256)(number + 1)).ToBigEndian()]),
            _ => (BenchAccount.At(checked((int)(Targets + number))), UInt256.One, (byte[])[]),
        };
        var tx = new Transaction { Nonce = _nonces[from]++, GasLimit = 100_000, To = to, Value = value, Data = data };
        return new RecoveredTransaction(TransactionSigner.Sign(tx, _keys[from], ChainId), _senders[from]);
    }
}
