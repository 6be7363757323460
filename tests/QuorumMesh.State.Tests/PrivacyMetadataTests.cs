using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.State.Tests;

/// <summary>What a private account remembers of its creation, and roots of single accounts in the middle of a block.</summary>
public class PrivacyMetadataTests
{
    private static readonly Address _contract = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly PrivacyMetadata _party = new(Sha3.HashPayload([1]), PrivacyMode.PartyProtection);
    private static readonly PrivacyMetadata _later = new(Sha3.HashPayload([2]), PrivacyMode.PrivateStateValidation);

    private readonly MemoryKeyValueStore _store = new();
    private readonly StateStore _state;

    public PrivacyMetadataTests() => _state = new StateStore(_store, "private");

    [Fact]
    public void It_is_kept_with_the_account_in_every_block_and_in_no_root()
    {
        Block(w => w.SetNonce(_contract, 1));
        var root = _state.Head.Root;
        Block(w => w.SetPrivacy(_contract, _party));
        Block(w => w.SetPrivacy(_contract, _later));
        Assert.Equal(root, _state.Head.Root);
        Assert.Equal(_later, _state.Head.GetAccount(_contract)!.Value.Privacy);
        // A restart reads it from the store, without the caches.
        var reopened = new StateStore(_store, "private");
        Assert.Equal(_later, reopened.Head.GetAccount(_contract)!.Value.Privacy);
        using (var snapshot = _store.Snapshot())
        {
            Assert.Equal(new[] { null, _party, _later },
                Enumerable.Range(0, 3).Select(b => _state.At(snapshot, (ulong)b).GetAccount(_contract)!.Value.Privacy));
            Assert.Empty(StateVerifier.Verify(snapshot, "private"));
        }

        var batch = new KeyValueBatch();
        var layer = _state.Rewind(1, batch);
        _store.Write(batch, sync: false);
        _state.Advance(layer);
        Assert.Equal(_party, _state.Head.GetAccount(_contract)!.Value.Privacy);
        Assert.Equal(_party, new WorldState(_state.Head).GetPrivacy(_contract));
    }

    [Fact]
    public void It_goes_back_with_a_snapshot_and_away_with_the_account()
    {
        var world = new WorldState(_state.Head);
        world.SetNonce(_contract, 1);
        world.SetPrivacy(_contract, _party);
        var before = world.Snapshot();
        world.SetPrivacy(_contract, _later);
        world.RevertToSnapshot(before);
        Assert.Equal(_party, world.GetPrivacy(_contract));
        world.SelfDestruct(_contract);
        world.FinaliseTransaction(deleteEmpty: true);
        Assert.Null(world.GetPrivacy(_contract));
        world.BeginTransaction();
        world.CreateAccount(_contract);
        Assert.Null(world.GetPrivacy(_contract));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(130)]
    public void An_account_has_the_root_in_the_middle_of_a_block_that_it_gets_at_its_end(int blocksSince)
    {
        Block(w =>
        {
            w.SetNonce(_contract, 1);
            for (ulong slot = 0; slot < 40; slot++) w.SetStorage(_contract, slot, slot + 1);
        });
        for (var i = 0; i < blocksSince; i++) Block(w => w.SetStorage(_contract, 1_000, (ulong)i + 7));
        using var snapshot = _store.Snapshot();
        Change(new WorldState(_state.At(snapshot, 0)), out var past);
        var ofHead = new WorldState(_state.At(snapshot, _state.Head.Block));
        Change(ofHead, out var now);
        var layered = new WorldState(_state.Head);
        Change(layered, out var onLayer);
        Assert.Equal(now, onLayer);
        Assert.Equal(_state.Extend(_state.Head, _state.Head.Block + 1, layered.TakeChanges()).GetAccount(_contract), now);
        Assert.Equal(blocksSince == 0, past == now);
        Assert.Equal(past!.Value.StorageRoot, StateRoot.OfStorage(Enumerable.Range(0, 40).Select(s =>
            new KeyValuePair<UInt256, UInt256>((ulong)s, s == 3 ? 99u : s == 4 ? UInt256.Zero : (ulong)s + 1))));

        static void Change(WorldState world, out Account? account)
        {
            world.SetStorage(_contract, 3, 99);
            world.SetStorage(_contract, 4, 0);
            account = world.AccountNow(_contract);
        }
    }

    [Fact]
    public void A_wiped_account_s_root_is_over_what_was_written_since()
    {
        Block(w =>
        {
            w.SetNonce(_contract, 1);
            w.SetStorage(_contract, 1, 1);
        });
        var world = new WorldState(_state.Head);
        world.SelfDestruct(_contract);
        world.FinaliseTransaction(deleteEmpty: true);
        world.BeginTransaction();
        Assert.Null(world.AccountNow(_contract));
        world.CreateAccount(_contract);
        world.SetNonce(_contract, 1);
        Assert.Equal(Hash256.EmptyTrie, world.AccountNow(_contract)!.Value.StorageRoot);
        world.SetStorage(_contract, 2, 5);
        Assert.Equal(StateRoot.OfStorage([new(2, 5)]), world.AccountNow(_contract)!.Value.StorageRoot);
    }

    private void Block(Action<WorldState> change)
    {
        var world = new WorldState(_state.Head);
        change(world);
        var number = _state.IsInitialised ? _state.Head.Block + 1 : 0;
        StateRuns.Flush(_store, _state, _state.Extend(_state.Head, number, world.TakeChanges()));
    }
}
