using CsCheck;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class WorldStateJournalTests
{
    private static readonly Address[] Addresses = RandomBlocks.Addresses[..6];
    private static readonly UInt256[] Slots = RandomBlocks.Slots[..4];

    private static readonly Gen<Step[]> Steps = Gen.Select(
        Gen.Int[0, 15], Gen.Int[0, Addresses.Length - 1], Gen.Int[0, Slots.Length - 1], Gen.Int[0, 3],
        (kind, address, slot, value) => new Step(kind, Addresses[address], Slots[slot], (UInt256)value)).Array[1, 60];

    private readonly record struct Step(int Kind, Address Address, UInt256 Slot, UInt256 Value);

    [Fact]
    public void Revert_restores_everything_observable() => Gen.Select(Steps, Steps).Sample((before, steps) =>
    {
        var state = new WorldState(ParentState());
        state.BeginTransaction();
        foreach (var step in before)
            Do(state, step);

        var marks = new Stack<(int Id, string Seen)>();
        foreach (var step in steps)
        {
            if (step.Kind >= 14 && marks.Count > 0)
            {
                var (id, seen) = marks.Pop();
                state.RevertToSnapshot(id);
                Assert.Equal(seen, Observe(state));
            }
            else if (step.Kind >= 12)
            {
                marks.Push((state.Snapshot(), Observe(state)));
            }
            else
            {
                Do(state, step);
            }
        }

        while (marks.TryPop(out var mark))
        {
            state.RevertToSnapshot(mark.Id);
            Assert.Equal(mark.Seen, Observe(state));
        }
    }, iter: 1000);

    [Fact]
    public void Reverted_work_leaves_no_changes() => Steps.Sample(steps =>
    {
        var state = new WorldState(ParentState());
        state.BeginTransaction();
        foreach (var step in steps)
            Do(state, step);
        state.RevertToSnapshot(0);
        state.FinaliseTransaction(deleteEmpty: true);
        Assert.True(state.TakeChanges().IsEmpty);
    }, iter: 500);

    [Fact]
    public void Committed_storage_is_the_value_at_the_start_of_the_transaction()
    {
        var (state, a, slot) = (new WorldState(EmptyState.Instance), Addresses[0], Slots[0]);
        state.BeginTransaction();
        state.SetNonce(a, 1);
        state.SetStorage(a, slot, 5u);
        Assert.Equal((0u, 5u), (state.GetCommittedStorage(a, slot), state.GetStorage(a, slot)));
        state.FinaliseTransaction(deleteEmpty: true);
        state.BeginTransaction();
        state.SetStorage(a, slot, 6u);
        Assert.Equal((5u, 6u), (state.GetCommittedStorage(a, slot), state.GetStorage(a, slot)));
        state.CreateAccount(a);
        Assert.Equal((0u, 0u), (state.GetCommittedStorage(a, slot), state.GetStorage(a, slot)));
    }

    [Fact]
    public void Touched_empty_accounts_go_only_under_eip158()
    {
        foreach (var deleteEmpty in new[] { false, true })
        {
            var state = new WorldState(EmptyState.Instance);
            state.BeginTransaction();
            state.AddBalance(Addresses[0], UInt256.Zero);
            Assert.True(state.Exists(Addresses[0]));
            state.FinaliseTransaction(deleteEmpty);
            Assert.Equal(!deleteEmpty, state.Exists(Addresses[0]));
        }
    }

    [Fact]
    public void The_touch_of_precompile3_outlives_a_revert()
    {
        var parent = new WorldState(EmptyState.Instance);
        foreach (var number in new uint[] { 2, 3 })
            parent.AddBalance(Address.FromWord(number), UInt256.Zero);
        var store = new StateStore(new MemoryKeyValueStore(), "public");
        var state = new WorldState(store.Extend(store.Head, 0, parent.TakeChanges()));
        state.BeginTransaction();
        var id = state.Snapshot();
        state.AddBalance(Address.FromWord(2u), UInt256.Zero);
        state.AddBalance(Address.FromWord(3u), UInt256.Zero);
        state.RevertToSnapshot(id);
        state.FinaliseTransaction(deleteEmpty: true);
        Assert.True(state.Exists(Address.FromWord(2u)));
        Assert.False(state.Exists(Address.FromWord(3u)));
    }

    [Fact]
    public void Self_destruct_keeps_the_account_until_the_end_of_the_transaction()
    {
        var (state, a) = (new WorldState(ParentState()), Addresses[0]);
        state.BeginTransaction();
        state.SelfDestruct(a);
        Assert.True(state.Exists(a) && state.HasSelfDestructed(a));
        Assert.Equal(UInt256.Zero, state.GetBalance(a));
        Assert.NotEmpty(state.GetCode(a));
        state.FinaliseTransaction(deleteEmpty: true);
        Assert.False(state.Exists(a) || state.HasStorage(a));
        Assert.Equal(default, state.GetCodeHash(a));

        // A new life in the same block starts from nothing.
        state.BeginTransaction();
        state.CreateAccount(a);
        state.SetNonce(a, 1);
        Assert.Equal(UInt256.Zero, state.GetStorage(a, Slots[1]));
        state.SetStorage(a, Slots[2], 9u);
        state.FinaliseTransaction(deleteEmpty: true);
        var change = state.TakeChanges().Accounts[a];
        Assert.True(change.StorageWiped);
        Assert.Equal([Slots[2]], change.Storage.Keys);
    }

    [Fact]
    public void Logs_of_an_earlier_transaction_stay_with_who_took_them()
    {
        var state = new WorldState(EmptyState.Instance);
        state.BeginTransaction();
        state.AddLog(new LogEntry(Addresses[0], [], [1]));
        var logs = state.Logs;
        state.BeginTransaction();
        Assert.Single(logs);
        Assert.Empty(state.Logs);
    }

    [Fact]
    public void Misuse_is_refused()
    {
        var state = new WorldState(EmptyState.Instance);
        Assert.Throws<ArgumentOutOfRangeException>(() => state.RevertToSnapshot(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => state.RevertToSnapshot(-1));
        Assert.Throws<InvalidOperationException>(() => state.SubtractRefund(1));
    }

    private static StateLayer ParentState()
    {
        var parent = new WorldState(EmptyState.Instance);
        for (var i = 0; i < 3; i++)
        {
            parent.SetBalance(Addresses[i], (UInt256)(100 + i));
            parent.SetCode(Addresses[i], [0x60, (byte)i]);
            parent.SetStorage(Addresses[i], Slots[1], (UInt256)(i + 1));
        }

        var store = new StateStore(new MemoryKeyValueStore(), "public");
        return store.Extend(store.Head, 0, parent.TakeChanges());
    }

    private static void Do(WorldState state, Step step)
    {
        var (kind, a, slot, value) = step;
        switch (kind)
        {
            case 0: state.AddBalance(a, value); break;
            case 1: state.SubtractBalance(a, value); break;
            case 2: state.SetNonce(a, (ulong)value); break;
            case 3: state.SetCode(a, [(byte)(ulong)value]); break;
            case 4: state.SetStorage(a, slot, value); break;
            case 5: state.SetTransient(a, slot, value); break;
            case 6: state.CreateAccount(a); break;
            case 7: state.SelfDestruct(a); break;
            case 8: state.MarkCreated(a); break;
            case 9: state.AddLog(new LogEntry(a, [], [(byte)(ulong)value])); break;
            case 10: state.AddRefund((ulong)value); break;
            case 11 when value.IsZero: state.WarmAddress(a); break;
            default: state.WarmSlot(a, slot); break;
        }
    }

    /// <summary>Everything a caller can ask, as text.</summary>
    private static string Observe(WorldState state) => string.Join('\n', Addresses.Select(a =>
        $"{a} {state.Exists(a)} {state.IsEmpty(a)} {state.GetBalance(a)} {state.GetNonce(a)} {state.GetCodeHash(a)} "
            + $"{Hex.ToHex(state.GetCode(a))} "
        + $"{state.HasStorage(a)} {state.HasSelfDestructed(a)} {state.IsCreatedInTransaction(a)} {state.IsWarm(a)} "
        + string.Join(' ', Slots.Select(
            s => $"{state.GetStorage(a, s)}/{state.GetCommittedStorage(a, s)}/{state.GetTransient(a, s)}/{state.IsSlotWarm(a, s)}"))))
        + $"\n{state.Refund} {string.Join(' ', state.Logs.Select(l => $"{l.Address}{l.Data[0]}"))}";
}
