using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tests;

/// <summary>From London on a network of our own takes typed transactions with any fee caps, and charges nothing.</summary>
public sealed class FreeFeeCapTests
{
    private const ulong Gwei = 1_000_000_000;
    private static readonly byte[] Key = new UInt256(9).ToBigEndian();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Contract = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address Recipient = Address.Parse("0x2000000000000000000000000000000000000002");
    private static readonly ChainConfig Ours = Config("""{ "version": 1 }""");

    // GASPRICE into slot 0.
    private const string StoresPrice = "0x3a5f5500";

    [Fact]
    public void Gas_price_is_zero_and_the_balance_covers_the_value_alone()
    {
        var node = NewNode(Ours);
        var block = Build(node, Send(0, to: Contract), Send(1, value: 1000));
        node.Import(block, _ => null);
        Assert.Equal([1, 1], ChainStore.GetReceipts(node.Store, block.Hash)!.Select(r => (int)r.Status));
        Assert.Equal(UInt256.Zero, node.Public.Head.GetStorage(Contract, UInt256.Zero));
        Assert.Equal(UInt256.Zero, node.Public.Head.GetAccount(Sender)!.Value.Balance);
        Assert.Equal((UInt256)1000u, node.Public.Head.GetAccount(Recipient)!.Value.Balance);
        Assert.All(block.Transactions, tx => Assert.Equal(UInt256.Zero, Ours.EffectiveGasPrice(tx, 1, CompatibilityProfile.V24)));
    }

    [Fact]
    public void An_imported_block_with_fee_caps_is_invalid_where_GoQuorums_rules_hold()
    {
        var block = Build(NewNode(Ours), Send(0));
        var before = NewNode(Config("""{ "version": 0 }"""));
        var error = Assert.Throws<InvalidBlockException>(
            () => before.Import(block with { Header = block.Header with { ParentHash = before.Head.Hash } }, _ => null));
        Assert.Contains("Gas price not 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_pool_takes_any_caps_of_typed_transactions_and_no_price_of_legacy_ones()
    {
        string? Error(ChainConfig config, Transaction tx, ulong balance = 1000) =>
            new TransactionPool(config, CompatibilityProfile.V24, new PoolHead(1, 700_000_000, _ => (0, balance)))
            .Add(new RecoveredTransaction(tx, Sender), true, DateTimeOffset.UnixEpoch).Error;
        Assert.Null(Error(Ours, Typed(UInt256.MaxValue, UInt256.MaxValue)));
        Assert.Null(Error(Ours, Typed(30 * Gwei, 2 * Gwei, value: 1000)));
        Assert.Equal("insufficient funds for gas * price + value", Error(Ours, Typed(30 * Gwei, 2 * Gwei, value: 1001)));
        Assert.Equal("max priority fee per gas higher than max fee per gas", Error(Ours, Typed(Gwei, 2 * Gwei)));
        Assert.Null(Error(Ours, new Transaction
        {
            Type = TransactionType.AccessList,
            GasPrice = Gwei,
            MaxPriorityFee = Gwei,
            GasLimit = 21_000,
            To = Recipient
        }));
        Assert.Equal("Gas price not 0",
            Error(Ours, new Transaction { GasPrice = Gwei, MaxPriorityFee = Gwei, GasLimit = 21_000, To = Recipient }));
        foreach (var other in new[] { Config("""{ "version": 0 }"""), Ours with { LondonBlock = 9, ShanghaiBlock = 9, CancunBlock = 9 } })
            Assert.Equal("Gas price not 0",
                Error(other, new Transaction
                {
                    Type = TransactionType.AccessList,
                    GasPrice = Gwei,
                    MaxPriorityFee = Gwei,
                    GasLimit = 21_000,
                    To = Recipient
                }));
        var priced = Ours with { EnableGasPriceBlock = 0 };
        Assert.Equal("insufficient funds for gas * price + value", Error(priced, Typed(30 * Gwei, 2 * Gwei)));
        Assert.Equal((UInt256)(2 * Gwei), priced.EffectiveGasPrice(Typed(30 * Gwei, 2 * Gwei), 1, CompatibilityProfile.V24));
    }

    [Fact]
    public void Replacing_takes_ten_percent_more_of_both_and_order_is_by_arrival()
    {
        var pool = new TransactionPool(Ours, CompatibilityProfile.V24, new PoolHead(1, 700_000_000, _ => (0, 0)));
        string? Add(Transaction tx, Address from) => pool.Add(new RecoveredTransaction(tx, from), false, DateTimeOffset.UnixEpoch).Error;
        Assert.Null(Add(Typed(10 * Gwei, Gwei), Sender));
        Assert.Null(Add(Typed(1000 * Gwei, 1000 * Gwei), Recipient));
        Assert.Equal(Sender, pool.Ready().Peek()!.Sender);
        Assert.Equal("replacement transaction underpriced", Add(Typed(11 * Gwei, Gwei), Sender));
        Assert.Equal("replacement transaction underpriced", Add(Typed(10 * Gwei, 2 * Gwei), Sender));
        Assert.Null(Add(Typed(11 * Gwei, 2 * Gwei), Sender));
        Assert.Equal("replacement transaction underpriced", Add(Typed(UInt256.Zero, UInt256.Zero), Sender));
        Assert.Null(Add(Typed(UInt256.MaxValue, UInt256.MaxValue), Sender));
        Assert.Equal("replacement transaction underpriced", Add(Typed(UInt256.MaxValue - 1u, UInt256.MaxValue - 1u), Sender));
        Assert.Equal(2, pool.Count);
    }

    private static Transaction Typed(UInt256 cap, UInt256 tip, ulong value = 0) =>
        new()
        {
            Type = TransactionType.DynamicFee,
            TypedChainId = 10u,
            GasLimit = 21_000,
            To = Recipient,
            GasPrice = cap,
            MaxPriorityFee = tip,
            Value = value
        };

    private static RecoveredTransaction Send(ulong nonce, Address? to = null, ulong value = 0)
    {
        var tx = new Transaction
        {
            Type = TransactionType.DynamicFee,
            TypedChainId = 10u,
            Nonce = nonce,
            GasLimit = 100_000,
            To = to ?? Recipient,
            GasPrice = 40 * Gwei,
            MaxPriorityFee = 2 * Gwei,
            Value = value,
        };
        return TransactionSigner.Recover(TransactionSigner.Sign(tx, Key), SenderRules.For(10u, Fork.Cancun))!;
    }

    private static Block Build(TestNode node, params RecoveredTransaction[] transactions)
    {
        var built = new BlockBuilder(node.Rules, node.Public, node.Private).Build(
            node.Producer.Prepare(node.Head, BlockTime.OfNanoseconds(1)), default, new TransactionList(transactions),
            new(node.Public.Head, node.Private.Head, node.HashAt), new BuildLimits());
        Assert.Empty(built.Skipped);
        return built.Block;
    }

    private static TestNode NewNode(ChainConfig config) => new(new GenesisFile
    {
        Config = config,
        GasLimit = 700_000_000,
        Alloc = [new GenesisAccount(Sender, 1000u),
            new GenesisAccount(Contract, UInt256.Zero) { Nonce = 1, Code = Hex.FromHex(StoresPrice),
            Storage = new Dictionary<UInt256, UInt256> { [UInt256.Zero] = 7u } }],
    }, CompatibilityProfile.V24);

    private static ChainConfig Config(string mark) => GenesisFile.Parse($$"""
        { "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "isQuorum": true, "quorumMesh": {{mark}} },
          "alloc": {}, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """).Config;
}
