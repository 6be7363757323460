using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

public sealed class BuilderTests
{
    private static readonly byte[] Key = UInt256.Parse("25807260602402504536675820444142779248993100028628438487502323668296269534891")
        .ToBigEndian();
    private static readonly byte[] Poor = UInt256.Parse("10148397294747000913768625849546502595195728826990639993137198410557736548965")
        .ToBigEndian();

    [VectorFact]
    public void Rebuilds_every_block_of_the_recorded_Raft_chain()
    {
        var network = new RecordedNetwork("raft3-2.5.0");
        var node = new TestNode(network.Genesis, network.Profile);
        var builder = new BlockBuilder(node.Rules, node.Public, node.Private);
        foreach (var block in network.Blocks.Skip(1))
        {
            var prepared = node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(block.Header.Time));
            var built = builder.Build(prepared, default, new TransactionList(node.Recover(block)),
                new(node.Public.Head, node.Private.Head, node.HashAt, network.PayloadsOf(1)), new BuildLimits());
            Assert.Empty(built.Skipped);
            RaftSeal.TryRead(block.Header, out var raftId, out _);
            var sealedHeader = RaftSeal.Put(built.Block.Header, raftId, _ => SignatureOf(block.Header));
            Assert.Equal(block.Hash, sealedHeader.Hash);
            node.Write(built.WithHeader(sealedHeader).ToImported(), node.Head.Difficulty);
        }
        Assert.Equal(network.Strings("privateStateRoots.json", "node1")[^1], node.Private.Head.Root.ToString());
    }

    [Fact]
    public void Skips_as_the_worker_does()
    {
        var node = NewNode();
        var good = Send(Key, 0);
        var gap = Send(Key, 2);
        var built = Build(node, new TransactionList([Send(Poor, 0, value: 5), good, Send(Key, 0, gas: 30000), gap, Send(Key, 1)]),
            new BuildLimits());
        Assert.Equal([good], built.Transactions);
        Assert.Equal([TransactionInvalid.InsufficientBalanceForTransfer, TransactionInvalid.NonceTooLow, TransactionInvalid.NonceTooHigh],
            built.Skipped.Select(s => s.Reason));
        Assert.Equal(21000ul, built.Block.Header.GasUsed);

        var imported = node.Import(built.Block, _ => null);
        Assert.Equal(built.PublicLayer.Root, imported.PublicLayer.Root);
    }

    [Fact]
    public void Limits_end_the_block()
    {
        var node = NewNode();
        var list = Enumerable.Range(0, 10).Select(n => Send(Key, (ulong)n)).ToList();
        Assert.Equal(3, Build(node, new TransactionList(list), new BuildLimits(MaxTransactions: 3)).Transactions.Count);
        Assert.Equal(2, Build(node, new TransactionList(list), new BuildLimits(MaxBytes: list[0].Tx.Size + list[1].Tx.Size))
            .Transactions.Count);
        var asked = 0;
        Assert.Equal(4, Build(node, new TransactionList(list), new BuildLimits(Stop: () => asked++ == 3)).Transactions.Count);
        // Whatever took so long before: one transaction is tried.
        Assert.Single(Build(node, new TransactionList(list), new BuildLimits(Stop: () => true)).Transactions);
        Assert.Empty(Build(node, new TransactionList([]), new BuildLimits()).Transactions);
    }

    [Fact]
    public void A_transaction_that_is_cut_off_leaves_no_trace_and_ends_the_block()
    {
        var node = NewNode();
        // Stores something, and then goes round in circles.
        var loop = new RecoveredTransaction(TransactionSigner.Sign(
            new Transaction { Nonce = 1, GasLimit = 50_000_000, Value = 7, Data = Hex.FromHex("60016000555b600556") }, Key, 10u),
            AddressOf(Key));
        var first = Send(Key, 0, value: 1);
        var asked = 0;
        var built = Build(node, new TransactionList([first, loop, Send(Key, 2)]), new BuildLimits(CutOff: () => ++asked > 20));
        Assert.Equal((loop, 21), (built.CutOff, asked));
        Assert.Equal([first], built.Transactions);
        Assert.Empty(built.Skipped);
        var alone = Build(node, new TransactionList([first]), new BuildLimits(CutOff: () => false));
        Assert.Null(alone.CutOff);
        Assert.Equal(alone.Block.Hash, built.Block.Hash);
        Assert.Equal(alone.PublicLayer.Root, node.Import(built.Block, _ => null).PublicLayer.Root);
    }

    [Fact]
    public void Missing_payload_stops_the_private_head_only()
    {
        var node = NewNode();
        var key = new byte[64];
        key[0] = 7;
        var creation = new RecoveredTransaction(TransactionSigner.SignPrivate(new Transaction { GasLimit = 200_000, Data = key }, Key),
            AddressOf(Key));
        var built = Build(node, new TransactionList([creation, Send(Key, 1)]), new BuildLimits());
        Assert.Null(built.PrivateLayer);
        Assert.Equal([new PayloadHash(key)], built.Execution.MissingPayloads);

        node.Write(built.ToImported(), UInt256.Zero);
        Assert.Equal((1ul, 0ul), (node.Head.Number, node.PrivateHead.Number));
        var next = Build(node, new TransactionList([Send(Key, 2)]), new BuildLimits());
        node.Import(next.Block, _ => null);
        Assert.Equal((2ul, 0ul), (node.Head.Number, node.PrivateHead.Number));

        Assert.False(node.Replay(_ => null));
        // Init code that stores 42 at slot 0 and deploys nothing.
        Func<PayloadHash, PayloadAnswer?> here = hash => PayloadAnswer.Here(hash, Hex.FromHex("602a600055"));
        Assert.True(node.Replay(here));
        Assert.True(node.Replay(here));
        Assert.Equal(2ul, node.PrivateHead.Number);
        var contract = Address.ForCreate(AddressOf(Key), 0);
        Assert.Equal((UInt256)42u, node.Private.Head.GetStorage(contract, UInt256.Zero));
        Assert.Null(node.Public.Head.GetAccount(contract));
        Assert.Equal([new TransactionLocation(1, 0)], ChainStore.GetPayloadUses(node.Store, new PayloadHash(key)));
        Assert.Null(ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, node.Head.Hash));
        Assert.Equal(contract, ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, node.HashAt(1))![0]!.ContractAddress);
    }

    [Fact]
    public void Execution_says_which_payloads_it_skipped()
    {
        var node = NewNode();
        RecoveredTransaction Private(byte hash, ulong nonce, int length = 64)
        {
            var data = new byte[length];
            data[0] = hash;
            return new(TransactionSigner.SignPrivate(new Transaction { Nonce = nonce, GasLimit = 200_000, Data = data }, Key),
                AddressOf(Key));
        }
        PayloadAnswer Answer(PayloadHash hash) => hash.Bytes[0] == 1 ? PayloadAnswer.Here(hash, [0]) : PayloadAnswer.NotAParty(hash);
        RecoveredTransaction[] included = [Private(1, 0), Private(2, 1), Private(3, 2), Private(2, 3), Private(4, 4, length: 20)];
        // The one that does not fit is in no block, whatever its payload is.
        var built = Build(node, new TransactionList([.. included, Private(5, 99)]), new BuildLimits(), Answer);
        Assert.Equal(5, built.Transactions.Count);
        PayloadHash[] skipped = [.. new[] { 1, 2, 3 }.Select(i => included[i].Tx.PayloadHash!.Value)];
        Assert.Equal(skipped, built.Execution.SkippedPayloads);
        Assert.Equal(skipped, node.Import(built.Block, hash => Answer(hash)).Execution.SkippedPayloads);

        // Given up half-way it has skipped none.
        var waiting = Build(node, new TransactionList([Private(2, 5), Private(6, 6)]), new BuildLimits(),
            hash => hash.Bytes[0] == 2 ? PayloadAnswer.NotAParty(hash) : PayloadAnswer.Missing(hash));
        Assert.Null(waiting.PrivateLayer);
        Assert.Empty(waiting.Execution.SkippedPayloads);
        Assert.Equal(6, Assert.Single(waiting.Execution.MissingPayloads).Bytes[0]);
    }

    [Fact]
    public void Changed_blocks_are_refused_by_name()
    {
        var node = NewNode();
        var block = Build(node, new TransactionList([Send(Key, 0, value: 1)]), new BuildLimits()).Block;
        void Refused(BlockHeader header, string what) =>
            Assert.Contains(what, Assert.Throws<InvalidBlockException>(() => node.Import(block with { Header = header }, _ => null))
                .Message, StringComparison.Ordinal);
        var wrong = Keccak.Hash([1]);
        Refused(block.Header with { StateRoot = wrong }, "invalid state root");
        Refused(block.Header with { ReceiptsRoot = wrong }, "invalid receipt root");
        Refused(block.Header with { TransactionsRoot = wrong }, "transaction root");
        Refused(block.Header with { UncleHash = wrong }, "uncle");
        Refused(block.Header with { GasUsed = 5 }, "invalid gas used");
        Refused(block.Header with { Number = 2 }, "invalid number");
        Refused(block.Header with { ParentHash = wrong }, "unknown ancestor");
        Refused(block.Header with { GasLimit = 20000, GasUsed = 0 }, "gas limit reached");
        node.Import(block, _ => null);
    }

    [Fact]
    public void Minter_works_from_the_pool()
    {
        var node = NewNode();
        var pool = new TransactionPool(node.Rules.Config, node.Rules.Profile, HeadOf(node));
        for (ulong n = 0; n < 20; n++)
            Assert.Null(pool.Add(Send(Key, n), true, DateTimeOffset.UnixEpoch).Error);
        while (pool.Count > 0)
        {
            var built = Build(node, pool.Ready(), new BuildLimits(MaxTransactions: 7));
            node.Import(built.Block, _ => null);
            pool.SetHead(HeadOf(node), built.Transactions);
        }
        Assert.Equal(3ul, node.Head.Number);
        Assert.Equal(20ul, node.Public.Head.GetAccount(AddressOf(Key))!.Value.Nonce);
    }

    private static PoolHead HeadOf(TestNode node) => new(node.Head.Number, node.Head.GasLimit,
        a => node.Public.Head.GetAccount(a) is { } account ? (account.Nonce, account.Balance) : default);

    private static TestNode NewNode() => new(GenesisFile.Parse($$"""
        { "alloc": { "{{AddressOf(Key)}}": { "balance": "1000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V2_5);

    private static BuiltBlock Build(TestNode node, ITransactionSource source, BuildLimits limits,
        Func<PayloadHash, PayloadAnswer?>? payloads = null)
    {
        var privateParent = node.PrivateHead.Hash == node.Head.Hash ? node.Private.Head : null;
        return new BlockBuilder(node.Rules, node.Public, node.Private).Build(
            node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(node.Head.Time + 1000)), default, source,
            new(node.Public.Head, privateParent, node.HashAt, payloads), limits);
    }

    private static RecoveredTransaction Send(byte[] key, ulong nonce, ulong value = 0, ulong gas = 21000) =>
        new(TransactionSigner.Sign(
            new Transaction
            {
                Nonce = nonce,
                GasLimit = gas,
                To = Address.Parse("0x00000000000000000000000000000000000000aa"),
                Value = value
            }, key, 10u), AddressOf(key));

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));

    private static byte[] SignatureOf(BlockHeader header)
    {
        var list = new RlpReader(header.ExtraData.AsSpan(32)).ReadList();
        list.Skip();
        return list.ReadBytes(65).ToArray();
    }
}
