using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Benchmarks;

/// <summary>
/// Whole blocks on RocksDB, read ahead, executed and stored as a node does it: roots, receipts and the written batch, senders already
/// recovered. Every transaction of a block has another sender as long as there are accounts enough.
/// </summary>
internal sealed class BlockExecutionBench : IDisposable
{
    private const string Config =
        """{"config":{"chainId":10,"isQuorum":false,"homesteadBlock":0,"eip150Block":0,"eip155Block":0,"eip158Block":0,"byzantiumBlock":0,"constantinopleBlock":0,"petersburgBlock":0,"istanbulBlock":0},"gasLimit":"0xffffffff","difficulty":"0x0","alloc":{}}""";
    private const int AccountsInABlock = 50_000;
    private static readonly Address Token = Address.FromWord(0x20u);
    private readonly string _directory;
    private readonly KeptState? _kept;
    private readonly Address[] _accounts;
    private readonly ulong[] _nonces;
    private readonly RocksKeyValueStore _store;
    private readonly ChainRules _rules;
    private readonly StateStore _public;
    private readonly StateStore _private;
    private readonly BlockImporter _importer;
    private BlockHeader _head;
    private int _next;
    private bool _isWhole;
    private readonly LinearRandom _random;
    private TimeSpan _read, _execute, _root, _lists, _write, _slowest;

    private BlockExecutionBench(int accounts, CacheSizes cache, bool isAlone, KeptState? kept)
    {
        _accounts = [.. Enumerable.Range(0, accounts).Select(BenchAccount.At)];
        _directory = kept?.Folder ?? Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
        (_kept, _nonces, _next) = (kept, new ulong[accounts], 0);
        var isFilled = kept?.TryTake(_nonces, out _next) == true;
        _random = new LinearRandom(12345 + (uint)_next); // not the recipients of the last run, which are on top of the store
        _store = RocksKeyValueStore.Open(_directory, cache.Database());
        var genesis = new GenesisFile
        {
            Config = GenesisFile.Parse(Config).Config,
            GasLimit = 1ul << 40,
            Alloc = [new GenesisAccount(Token, UInt256.Zero) { Nonce = 1, Code = TokenCode }]
        };
        _rules = new ChainRules(genesis.Config, CompatibilityProfile.V24,
            EngineFactory.Create(genesis.Config, CompatibilityProfile.V24, _store));
        _public = new StateStore(_store, "public", OnCores(cache.PublicState(), isAlone));
        _private = new StateStore(_store, ChainStore.PrivateStateId, OnCores(cache.PrivateState(), isAlone));
        _importer = new BlockImporter(_rules, _public, _private);
        if (isFilled)
        {
            _head = ChainStore.GetHeader(_store, _public.Head.BlockHash)!;
            return;
        }
        var first = _importer.Genesis(genesis);
        _head = first.Block.Header;
        Write(first);
        FillAll();
    }

    private static StateStoreOptions OnCores(StateStoreOptions options, bool isAlone) =>
        isAlone ? options : options with { SplitWork = Cores.Split, StartWork = Cores.Start };

    /// <summary>Prints one line for each case: kind, accounts, transactions in a block, rate and where the time went.</summary>
    /// <param name="cache">As the node's --cache.</param>
    /// <param name="isAlone">On one core, trie nodes stored with a block; otherwise on all cores as a node does it.</param>
    /// <param name="folder">Where a filled state is kept for the next run, or is from one before; null to fill anew.</param>
    public static void RunAll(IReadOnlyList<int> accounts, int transactions, IReadOnlyList<int> sizes, int cache, bool isAlone,
        string? folder)
    {
        foreach (var count in accounts)
        {
            using var bench = new BlockExecutionBench(count, new CacheSizes(cache), isAlone,
                folder is null ? null : new KeptState(Path.Combine(folder, $"accounts-{count}")));
            foreach (var size in sizes)
                foreach (var token in (bool[])[false, true])
                    Console.WriteLine(bench.Run(token, size, Math.Max(2, transactions / size)));
            bench._isWhole = true;
        }
    }

    public void Dispose()
    {
        _public.Settle();
        _private.Settle();
        _store.Dispose();
        if (_kept is null) Directory.Delete(_directory, recursive: true);
        else if (_isWhole) _kept.Leave(_nonces, _next);
    }

    private string Run(bool token, int size, int blocks)
    {
        for (var i = 0; i < Math.Max(2, blocks / 4); i++) Block(Transactions(token, size));
        _read = _execute = _root = _lists = _write = _slowest = default;
        var (pauses, cpu) = (GC.GetTotalPauseDuration(), Environment.CpuUsage.TotalTime);
        var collections = (GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2));
        for (var i = 0; i < blocks; i++) Block(Transactions(token, size));
        var total = _read + _execute + _root + _lists + _write;
        return string.Create(CultureInfo.InvariantCulture, $"blocks: {(token ? "ERC-20" : "plain "),-6} {_accounts.Length,9:N0} accounts, "
            + $"{size,6:N0} in a block: {blocks * size / total.TotalSeconds,8:N0}/s, a block {Of(total):F1} ms: read ahead "
            + $"{Of(_read):F1}, execute {Of(_execute):F1}, state root {Of(_root):F1}, transaction and receipt roots "
            + $"{Of(_lists):F1}, write {Of(_write):F1}; "
            + $"CPU {Of(Environment.CpuUsage.TotalTime - cpu):F1}; "
            + $"slowest block {_slowest.TotalMilliseconds:F0}; in them collector pauses {Of(GC.GetTotalPauseDuration() - pauses):F1} "
            + $"({GC.CollectionCount(0) - collections.Item1}/{GC.CollectionCount(1) - collections.Item2}/"
            + $"{GC.CollectionCount(2) - collections.Item3})");
        double Of(TimeSpan time) => time.TotalMilliseconds / blocks;
    }

    private void Block(RecoveredTransaction[] transactions)
    {
        var begin = Stopwatch.GetTimestamp();
        var start = begin;
        KnownReads.Ahead(_public, transactions);
        Lap(ref start, ref _read);
        var prepared = new RaftBlockProducer(_rules.Config, _rules.Profile)
            .Prepare(_head, BlockTime.OfNanoseconds(_head.Time + 1_000_000_000));
        var run = new BlockRun(_rules, prepared, default, new(_public.Head, _private.Head, static _ => default));
        foreach (var transaction in transactions)
        {
            var invalid = run.Apply(transaction);
            if (invalid != TransactionInvalid.None)
                throw new InvalidOperationException($"the benchmark's own transaction is not valid: {invalid}");
        }
        var execution = run.Complete();
        if (execution.Receipts.Any(static r => r.Status != 1)) throw new InvalidOperationException("a transfer of the benchmark failed");
        Lap(ref start, ref _execute);
        var layer = _public.Extend(_public.Head, prepared.Number, execution.PublicChanges);
        var privateLayer = _private.Extend(_private.Head, prepared.Number, execution.PrivateChanges!);
        Lap(ref start, ref _root);
        var list = Array.ConvertAll(transactions, static t => t.Tx);
        _head = prepared with
        {
            StateRoot = layer.Root,
            TransactionsRoot = BlockValidator.TransactionsRoot(list),
            ReceiptsRoot = execution.ReceiptsRoot,
            Bloom = execution.Bloom,
            GasUsed = execution.GasUsed,
        };
        Lap(ref start, ref _lists);
        Write(new ImportedBlock(new Block(_head, list), execution, layer, privateLayer));
        Lap(ref start, ref _write);
        var whole = Stopwatch.GetElapsedTime(begin, start);
        if (whole > _slowest) _slowest = whole;
    }

    private void Write(ImportedBlock imported)
    {
        var batch = new KeyValueBatch();
        _importer.Put(batch, imported, UInt256.Zero);
        _store.Write(batch, sync: false);
        _importer.Advance(imported);
    }

    private RecoveredTransaction[] Transactions(bool token, int count)
    {
        var made = new RecoveredTransaction[count];
        for (var i = 0; i < count; i++)
        {
            var from = _next++ % _accounts.Length;
            var to = _accounts[_random.Below(_accounts.Length)];
            // Recovery is no part of this: any signature will do.
            var tx = new Transaction
            {
                Nonce = _nonces[from]++,
                GasLimit = 100_000,
                To = token ? Token : to,
                Value = token ? 0u : 1u,
                Data = token ? TransferInput(to) : [],
                V = 27u,
                R = UInt256.MaxValue >> 1,
                S = UInt256.MaxValue >> 2
            };
            _ = tx.Hash; // known since it came in
            made[i] = new RecoveredTransaction(tx, _accounts[from]);
        }
        return made;
    }

    /// <summary>
    /// Ether for every account and tokens in every slot, each in the order of its own trie, so that a block changes one stretch
    /// of it: the same state as in any other order, in a fraction of the time.
    /// </summary>
    private void FillAll()
    {
        var clock = Stopwatch.StartNew();
        var accounts = InTrieOrder(_accounts, static account => Keccak.Hash(account.ToArray()));
        var slots = InTrieOrder(Array.ConvertAll(_accounts, static account => BalanceSlot(account)),
            static slot => Keccak.Hash(slot.ToBigEndian()));
        for (var from = 0; from < accounts.Length; from += AccountsInABlock)
        {
            var to = Math.Min(from + AccountsInABlock, accounts.Length);
            Fill(accounts.AsSpan(from..to), slots.AsSpan(from..to));
            if (to % 1_000_000 == 0) Console.WriteLine($"blocks: {to:N0} accounts filled after {clock.Elapsed.TotalSeconds:F0} s");
        }
    }

    private static T[] InTrieOrder<T>(T[] items, Func<T, Hash256> keyOf)
    {
        var sorted = (T[])items.Clone();
        Array.Sort(Array.ConvertAll(items, item => BinaryPrimitives.ReadUInt64BigEndian(keyOf(item).ToArray())), sorted);
        return sorted;
    }

    /// <summary>A block that gives ether and tokens out of nothing.</summary>
    private void Fill(ReadOnlySpan<Address> accounts, ReadOnlySpan<UInt256> slots)
    {
        var state = new WorldState(_public.Head);
        foreach (var account in accounts) state.SetBalance(account, UInt256.MaxValue >> 128);
        foreach (var slot in slots) state.SetStorage(Token, slot, UInt256.MaxValue >> 128);
        state.FinaliseTransaction(deleteEmpty: false);
        var execution = new BlockExecution { PublicChanges = state.TakeChanges(), Receipts = [], GasUsed = 0, Bloom = new Bloom() };
        var prepared = new RaftBlockProducer(_rules.Config, _rules.Profile)
            .Prepare(_head, BlockTime.OfNanoseconds(_head.Time + 1_000_000_000));
        var layer = _public.Extend(_public.Head, prepared.Number, execution.PublicChanges);
        _head = prepared with { StateRoot = layer.Root, TransactionsRoot = Hash256.EmptyTrie, ReceiptsRoot = Hash256.EmptyTrie };
        Write(new ImportedBlock(new Block(_head, []), execution, layer,
            _private.Extend(_private.Head, prepared.Number, new StateChangeSet())));
    }

    /// <summary>transfer(address,uint256) over a mapping in slot 0, with the Transfer event.</summary>
    private static byte[] TokenCode => Hex.FromHex("0x60003560e01c63a9059cbb146014575b600080fd"
        + "5b6024353360005260406000208054828110600f578290039055"
        + "60043560005260406000208054820190556000526004353"
        + "37fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60206000a3600160005260206000f3");

    private static UInt256 BalanceSlot(in Address account)
    {
        Span<byte> words = stackalloc byte[64];
        words.Clear();
        account.CopyTo(words[12..]);
        return Keccak.Hash(words).ToWord();
    }

    private static byte[] TransferInput(in Address to)
    {
        var input = new byte[68];
        BinaryPrimitives.WriteUInt32BigEndian(input, 0xa9059cbb);
        to.CopyTo(input.AsSpan(16));
        input[67] = 1;
        return input;
    }

    private static void Lap(ref long start, ref TimeSpan sum)
    {
        var now = Stopwatch.GetTimestamp();
        sum += Stopwatch.GetElapsedTime(start, now);
        start = now;
    }
}
