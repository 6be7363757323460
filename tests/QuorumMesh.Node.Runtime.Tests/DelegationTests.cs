using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>From Prague on an account's nonce moves without a transaction of its own (EIP-7702): the pool and the journal follow.</summary>
public sealed class DelegationTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] AuthorityKey = TestChain.Key(2);
    private static readonly Address Authority = TestChain.AddressOf(AuthorityKey);

    /// <summary>Its code creates an empty contract.</summary>
    private static readonly Address Creator = Address.Parse("0x2000000000000000000000000000000000000001");

    [Fact]
    public void An_overtaken_transaction_leaves_pool_and_journal()
    {
        var node = new SoloNode(Genesis());
        node.Step(node.Local(TestChain.Public(AuthorityKey, 1)).Input);
        Assert.Equal(1, node.Core.Pool.QueuedCount);
        node.Mine(Delegate(0, Authorization.Sign(10u, Creator, 0, AuthorityKey), Authorization.Sign(10u, Creator, 1, AuthorityKey)));
        Assert.Equal(1ul, node.Head);
        node.After(SoloNode.BlockTime);
        Assert.Equal(0, node.Core.Pool.Count);
        node.Start();
        Assert.Equal(0, node.Core.Pool.Count);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void A_gap_that_an_authorization_closes_is_closed()
    {
        var node = new SoloNode(Genesis());
        node.Step(node.Local(TestChain.Public(AuthorityKey, 1)).Input);
        node.Mine(Delegate(0, Authorization.Sign(10u, Creator, 0, AuthorityKey)));
        node.After(SoloNode.BlockTime);
        Assert.Equal((2ul, 0), (node.Head, node.Core.Pool.Count));
        Assert.Equal(2ul, node.Stores.Public.Head.GetAccount(Authority)!.Value.Nonce);
    }

    [Fact]
    public void A_delegated_account_that_creates_contracts_is_followed_too()
    {
        var node = new SoloNode(Genesis());
        node.Mine(Delegate(0, Authorization.Sign(10u, Creator, 0, AuthorityKey)));
        node.Step(node.Local(TestChain.Public(AuthorityKey, 2)).Input);
        Assert.Equal(1, node.Core.Pool.QueuedCount);
        // A stranger calls the account, and its code creates: nonce 1 becomes 2.
        node.Mine(TestChain.Public(Key, 1, to: Authority));
        node.After(SoloNode.BlockTime);
        Assert.Equal((3ul, 0), (node.Head, node.Core.Pool.Count));
        Assert.Equal(3ul, node.Stores.Public.Head.GetAccount(Authority)!.Value.Nonce);
    }

    private static Transaction Delegate(ulong nonce, params Authorization[] list) => TransactionSigner.Sign(
        new Transaction
        {
            Type = TransactionType.SetCode,
            TypedChainId = 10u,
            Nonce = nonce,
            GasLimit = 200_000,
            To = Address.Parse("0x00000000000000000000000000000000000000aa"),
            AuthorizationList = list
        }, Key);

    private static byte[] Genesis() => Encoding.UTF8.GetBytes($$"""
        { "alloc": { "{{Creator}}": { "balance": "0", "code": "0x5f5f5ff000" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "pragueBlock": 0, "isQuorum": true, "quorumMesh": { "version": 0 } },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);
}
