using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tracing;

/// <summary>An account before the transaction, or, in a difference, what has become of it. Null members are left out.</summary>
public sealed record TracedAccount
{
    public UInt256? Balance { get; init; }

    public ulong? Nonce { get; init; }

    /// <summary>Empty when there is none.</summary>
    public byte[]? Code { get; init; }

    public SortedDictionary<UInt256, UInt256> Storage { get; } = [];
}

/// <summary>
/// geth's prestateTracer: all accounts and slots that a transaction touches as they were before it. Values come from the states
/// before the transaction, not from the running ones, so that a slot which is written and read again still has its old value.
/// </summary>
/// <param name="privateBefore">
/// Null for a public transaction; an account that is there is shown from there, else from the public state.
/// </param>
/// <param name="keepsZeros">Slots that are zero are listed too, as geth does from 1.9 on.</param>
public sealed class PrestateTracer(IStateReader publicBefore, IStateReader? privateBefore, bool keepsZeros, TraceBudget budget) : IEvmTracer
{
    private const int AccountBytes = 160;
    private const int SlotBytes = 138;

    private readonly Dictionary<Address, HashSet<UInt256>> _touched = [];
    private readonly List<Address> _order = [];
    private readonly HashSet<Address> _created = [];
    private Address? _createdByTransaction;

    /// <summary>Accounts that a transaction touches outside its run: the authorities of EIP-7702.</summary>
    public void Include(IEnumerable<Address> addresses)
    {
        foreach (var address in addresses) Touch(address);
    }

    /// <inheritdoc/>
    public void Step(in EvmStep step)
    {
        if (step.Status != EvmStatus.Success) return;
        switch ((Opcode)step.Opcode)
        {
            case Opcode.BALANCE or Opcode.EXTCODESIZE or Opcode.EXTCODECOPY or Opcode.EXTCODEHASH or Opcode.SELFDESTRUCT:
                Touch(Address.FromWord(step.Peek(0)));
                break;
            case Opcode.CALL or Opcode.CALLCODE or Opcode.DELEGATECALL or Opcode.STATICCALL:
                Touch(Address.FromWord(step.Peek(1)));
                break;
            case Opcode.SLOAD or Opcode.SSTORE:
                if (Touch(step.Contract).Add(step.Peek(0))) budget.Take(SlotBytes);
                break;
        }
    }

    /// <inheritdoc/>
    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        Touch(to);
        if (depth == 0) Touch(from);
        if (kind is not (Opcode.CREATE or Opcode.CREATE2)) return;
        _created.Add(to);
        if (depth == 0) _createdByTransaction = to;
    }

    /// <inheritdoc/>
    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
    }

    /// <summary>Everything touched. The contract that the transaction itself creates is left out: there was none.</summary>
    public IEnumerable<(Address Address, TracedAccount Account)> Before()
    {
        foreach (var address in _order)
        {
            if (address == _createdByTransaction) continue;
            var (state, account) = Find(address);
            var traced = Whole(address, state, account ?? Account.Empty);
            foreach (var slot in _touched[address])
            {
                var value = state.GetStorage(address, slot);
                if (keepsZeros || !value.IsZero) traced.Storage[slot] = value;
            }
            yield return (address, traced);
        }
    }

    /// <summary>
    /// What the transaction changed: accounts before and after it, members that stayed the same left out of the latter (geth
    /// 1.11's diffMode).
    /// </summary>
    public (SortedDictionary<Address, TracedAccount> Before, SortedDictionary<Address, TracedAccount> After) Difference(
        ReplayedTransaction replayed)
    {
        var (before, after) = (new SortedDictionary<Address, TracedAccount>(), new SortedDictionary<Address, TracedAccount>());
        AddDifference(replayed.PublicChanges, publicBefore, before, after);
        if (replayed.PrivateChanges is { } changes && privateBefore is not null) AddDifference(changes, privateBefore, before, after);
        return (before, after);
    }

    private void AddDifference(StateChangeSet changes, IStateReader state, SortedDictionary<Address, TracedAccount> before,
        SortedDictionary<Address, TracedAccount> after)
    {
        foreach (var (address, change) in changes.Accounts)
        {
            var old = change.Old ?? Account.Empty;
            var changed = new TracedAccount
            {
                Balance = change.New is { } a && a.Balance != old.Balance ? a.Balance : null,
                Nonce = change.New is { } b && b.Nonce != old.Nonce ? b.Nonce : null,
                Code = change.New is { } c && c.CodeHash != old.CodeHash ? CodeOf(changes, state, address, c.CodeHash) : null,
            };
            var was = Whole(address, state, old);
            foreach (var (slot, (from, to)) in change.Storage)
            {
                if (!from.IsZero) was.Storage[slot] = from;
                if (!to.IsZero) changed.Storage[slot] = to;
            }
            if (change.New is null || change.StorageWiped) AddWiped(address, state, was);
            budget.Take(AccountBytes + ((was.Storage.Count + changed.Storage.Count) * (long)SlotBytes)
                + ((changed.Code?.Length ?? 0) * 2L));
            if (change.Old is not null || !_created.Contains(address)) before[address] = was;
            var isSame = changed is { Balance: null, Nonce: null, Code: null } && change.Storage.Count == 0;
            if (change.New is not null && !isSame) after[address] = changed;
        }
    }

    /// <summary>A deleted account's storage goes as a whole: what was seen of it is shown.</summary>
    private void AddWiped(in Address address, IStateReader state, TracedAccount was)
    {
        foreach (var slot in _touched.GetValueOrDefault(address) ?? [])
            if (state.GetStorage(address, slot) is { IsZero: false } value) was.Storage[slot] = value;
    }

    private TracedAccount Whole(in Address address, IStateReader state, in Account account)
    {
        var code = CodeOf(null, state, address, account.CodeHash);
        budget.Take(code.Length * 2L);
        return new TracedAccount { Balance = account.Balance, Nonce = account.Nonce, Code = code };
    }

    private static byte[] CodeOf(StateChangeSet? changes, IStateReader state, in Address address, in Hash256 hash)
    {
        if (hash == Hash256.EmptyCode) return [];
        if (changes is not null && changes.Code.TryGetValue(hash, out var fresh)) return fresh;
        return state.GetCode(hash) ?? throw new StateCorruptException($"code {hash} of account {address} is missing from the store");
    }

    private (IStateReader State, Account? Account) Find(in Address address) =>
        privateBefore?.GetAccount(address) is { } own ? (privateBefore, own) : (publicBefore, publicBefore.GetAccount(address));

    private HashSet<UInt256> Touch(in Address address)
    {
        if (_touched.TryGetValue(address, out var slots)) return slots;
        budget.Take(AccountBytes);
        _order.Add(address);
        return _touched[address] = [];
    }
}
