using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State.Journal;

namespace QuorumMesh.State;

/// <summary>
/// A mutable state over an immutable parent, with a journal for snapshots inside one transaction. Spans as many transactions as
/// wanted; <see cref="TakeChanges"/> gives what they come to. Not thread safe.
/// </summary>
public sealed partial class WorldState : IWorldState
{
    private readonly IStateReader _parent;
    private readonly Dictionary<Address, AccountEntry> _accounts = [];

    // The account asked for last: one instruction asks several times for the same.
    private AccountEntry? _last;

    /// <summary>Nothing changed yet. The parent is read when a value is first asked for, and must stay readable.</summary>
    public WorldState(IStateReader parent) => _parent = parent;

    /// <inheritdoc/>
    public bool Exists(in Address a) => Load(a).Exists;

    /// <inheritdoc/>
    public bool IsEmpty(in Address a) => Load(a).IsEmpty;

    /// <inheritdoc/>
    public UInt256 GetBalance(in Address a) => Load(a).Balance;

    /// <inheritdoc/>
    public ulong GetNonce(in Address a) => Load(a).Nonce;

    /// <inheritdoc/>
    public Hash256 GetCodeHash(in Address a)
    {
        var entry = Load(a);
        // Zero for an absent account (EIP-1052).
        return entry.Exists ? entry.CodeHash : default;
    }

    /// <inheritdoc/>
    public byte[] GetCode(in Address a)
    {
        var entry = Load(a);
        if (entry.Code is { } code) return code;
        if (entry.CodeHash == Hash256.EmptyCode) return entry.Code = [];
        return entry.Code = _parent.GetCode(entry.CodeHash)
            ?? throw new StateCorruptException($"code {entry.CodeHash} of account {a} is missing from the store");
    }

    /// <inheritdoc/>
    public void CreateAccount(in Address a)
    {
        var old = Load(a);
        if (!old.Exists)
        {
            Create(old);
            return;
        }

        // The old entry is kept whole in the journal: a revert puts it back with its slots. The balance stays with the address
        // (Yellow Paper, section 7).
        _journal.Add(JournalKind.AccountReset, old);
        var fresh = new AccountEntry(a, old.Origin)
        {
            Exists = true,
            Wiped = true,
            Balance = old.Balance,
            Nonce = 0,
            CodeHash = Hash256.EmptyCode,
        };
        CarryMarks(old, fresh);
        _accounts[a] = _last = fresh;
    }

    /// <inheritdoc/>
    public bool TryRestoreCleared(in Address a)
    {
        var entry = Load(a);
        if (entry.Exists || !entry.Wiped) return false;
        _journal.Add(JournalKind.AccountRestored, entry);
        entry.Exists = true;
        return true;
    }

    /// <inheritdoc/>
    public void AddBalance(in Address a, in UInt256 v)
    {
        var entry = LoadOrCreate(a);
        // A transfer of nothing touches its receiver: an empty account is cleared then (EIP-161).
        if (v.IsZero) Touch(entry);
        else ChangeBalance(entry, entry.Balance + v);
    }

    /// <inheritdoc/>
    public void SubtractBalance(in Address a, in UInt256 v)
    {
        var entry = LoadOrCreate(a);
        if (!v.IsZero) ChangeBalance(entry, entry.Balance - v);
    }

    /// <inheritdoc/>
    public void SetBalance(in Address a, in UInt256 v) => ChangeBalance(LoadOrCreate(a), v);

    /// <inheritdoc/>
    public void SetNonce(in Address a, ulong n)
    {
        var entry = LoadOrCreate(a);
        _journal.Add(JournalKind.Nonce, entry).Number = entry.Nonce;
        entry.Nonce = n;
    }

    /// <inheritdoc/>
    public void SetCode(in Address a, byte[] code)
    {
        var entry = LoadOrCreate(a);
        _journal.Add(JournalKind.Code, entry);
        _oldCodes.Push((entry.Code, entry.CodeHash));
        entry.Code = code;
        entry.CodeHash = code.Length == 0 ? Hash256.EmptyCode : Keccak.Hash(code);
    }

    /// <summary>See <see cref="Account.Privacy"/>; null when absent.</summary>
    public PrivacyMetadata? GetPrivacy(in Address a) => Load(a).Privacy;

    /// <summary>Journalled; makes the account when it is absent.</summary>
    public void SetPrivacy(in Address a, PrivacyMetadata privacy)
    {
        var entry = LoadOrCreate(a);
        _journal.Add(JournalKind.Privacy, entry);
        _oldPrivacy.Push(entry.Privacy);
        entry.Privacy = privacy;
    }

    /// <inheritdoc/>
    public void SelfDestruct(in Address a)
    {
        var entry = Load(a);
        if (!entry.Exists) return;
        ref var undo = ref _journal.Add(JournalKind.SelfDestruct, entry);
        undo.Flag = entry.SelfDestructed;
        undo.Value = entry.Balance;
        entry.SelfDestructed = true;
        entry.Balance = UInt256.Zero;
    }

    /// <inheritdoc/>
    public bool HasSelfDestructed(in Address a) => Load(a).SelfDestructed;

    private AccountEntry Load(in Address a)
    {
        if (_last is { } last && last.Address == a) return last;
        if (!_accounts.TryGetValue(a, out var entry))
        {
            entry = new AccountEntry(a, _parent.GetAccount(a));
            _accounts.Add(a, entry);
        }

        return _last = entry;
    }

    private AccountEntry LoadOrCreate(in Address a)
    {
        var entry = Load(a);
        if (!entry.Exists) Create(entry);
        return entry;
    }

    private void Create(AccountEntry entry)
    {
        _journal.Add(JournalKind.AccountCreated, entry);
        entry.Exists = true;
    }

    private void Touch(AccountEntry entry)
    {
        if (!entry.IsEmpty) return;
        _journal.Add(JournalKind.Touched, entry);
        if (entry.Address == Ripemd) _ripemdTouched = true;
    }

    private void ChangeBalance(AccountEntry entry, in UInt256 value)
    {
        _journal.Add(JournalKind.Balance, entry).Value = entry.Balance;
        entry.Balance = value;
    }
}
