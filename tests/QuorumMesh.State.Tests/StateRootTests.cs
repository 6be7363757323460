using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class StateRootTests
{
    [Fact]
    public void No_accounts_give_the_empty_trie()
    {
        Assert.Equal(Hash256.EmptyTrie, StateRoot.Compute(Array.Empty<GenesisAccount>()));
        Assert.Equal(Hash256.EmptyTrie, new WorldState(EmptyState.Instance).IntermediateRoot());
    }

    [Fact]
    public void Raft_genesis_of_GoQuorum()
    {
        var account = new GenesisAccount(Address.Parse("0x679fed8f4f3ea421689136b25073c6da7973418f"),
            UInt256.Parse("1000000000000000000000000000"));
        var expected = Hash256.Parse("0x8f15607b0703194315628a967fc62518e2a6eada47dacc4302a5afd7362ea316");
        Assert.Equal(expected, StateRoot.Compute([account]));

        var state = new WorldState(EmptyState.Instance);
        account.ApplyTo(state);
        Assert.Equal(expected, state.IntermediateRoot());
    }

    [Fact]
    public void Ghost_account_alone_in_the_private_state()
    {
        var ghost = Address.Parse("0x1932c48b2bf8102ba33b4a6b545c32236e342f34");
        var encoded = new Account(1, UInt256.Zero, Hash256.EmptyTrie, Hash256.EmptyCode).Encode();
        Assert.Equal(
            "0xf8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
            Hex.ToHex(encoded));

        var state = new WorldState(EmptyState.Instance);
        state.CreateAccount(ghost);
        state.SetNonce(ghost, 1);
        state.FinaliseTransaction(deleteEmpty: true);
        Assert.Equal(Hash256.Parse("0x680c88320d44b4161cfae4acffd27c316057311ff13b261daeae75eb7fdf4871"), state.IntermediateRoot());
    }

    [Theory]
    [InlineData(42, "0x81d1fa699f807735499cf6f7df860797cf66f6a66b565cfcda3fae3521eb6861")]
    [InlineData(10, "0x718e5413bb3a280c25b53b85f3d48572a18959040a27f67e3b3af44889955bc8")]
    public void Storage_root_of_simple_storage(int value, string root) =>
        Assert.Equal(Hash256.Parse(root), StateRoot.OfStorage([new(UInt256.Zero, (UInt256)value)]));

    [Fact]
    public void Receipts_root_of_one_private_transaction()
    {
        var receipt = new RlpWriter();
        var mark = receipt.BeginList();
        receipt.Write(1ul);
        receipt.Write(0ul);
        receipt.Write(new byte[256]);
        receipt.WriteEmptyList();
        receipt.EndList(mark);
        Assert.Equal(
            Hash256.Parse("0xb64408da6b8fe39ab764af88ece1e8cca1c35fd988db57806e99138c629365a0"),
            TrieRoot.OfOrderedList([receipt.ToArray()]));
    }

    [Fact]
    public void Accounts_decode_strictly()
    {
        var account = new Account(7, UInt256.Parse("123456789"), Hash256.EmptyTrie, Hash256.EmptyCode);
        Assert.Equal(account, Account.Decode(account.Encode()));
        Assert.Throws<RlpException>(() => Account.Decode([.. account.Encode(), 0]));
        Assert.Throws<RlpException>(() => Account.Decode(account.Encode()[..^1]));
    }
}
