using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Benchmarks.Import;

/// <summary>
/// Makes a Raft chain on disk, block by block: of each three transactions one pays one of 100,000 accounts, one writes one of
/// 100,000 slots of a contract and logs it, one pays an account that was not there before.
/// </summary>
internal sealed class ChainMaker : IDisposable
{
    private const int Senders = 16;
    private const int Targets = 100_000;
    private static readonly UInt256 ChainId = 10u;
    private static readonly Address Contract = Address.FromWord(0x1000u);

    /// <summary>slot[first word] = second word, and a log with the first word as its topic.</summary>
    private const string Code = "0x6020356000355560003560006000a100";

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
    private readonly byte[][] _keys = [.. Enumerable.Range(0, Senders).Select(static i => Keccak.Hash(BitConverter.GetBytes(i)).ToArray())];
    private readonly Address[] _senders;
    private readonly ulong[] _nonces = new ulong[Senders];
    private readonly RocksKeyValueStore _store;
    private readonly NodeStores _stores;
    private BlockHeader _head;
    private ulong _made;
    private readonly LinearRandom _random = new(12345);

    public ChainMaker()
    {
        _senders = Array.ConvertAll(_keys, static key => Secp256k1.AddressOf(Secp256k1.PublicKey(key)));
        _store = RocksKeyValueStore.Open(_directory);
        GenesisStore.Initialise(_store, System.Text.Encoding.UTF8.GetBytes(Genesis), profile: null);
        var config = GenesisStore.Load(_store)!.Config;
        var profile = GenesisStore.LoadProfile(_store);
        _stores = new NodeStores(_store, new ChainRules(config, profile, EngineFactory.Create(config, profile, _store)));
        _head = ChainStore.GetHeader(_store, 0)!;
    }

    public string Genesis => $$"""
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
        var prepared = new RaftBlockProducer(_stores.Rules.Config, _stores.Rules.Profile)
            .Prepare(_head, BlockTime.OfNanoseconds(_head.Time + 50_000_000));
        var built = _stores.Builder.Build(prepared, default, new TransactionList(made),
            new(_stores.Public.Head, _stores.Private.Head, static _ => default), new BuildLimits());
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
