using QuorumMesh.Primitives;

namespace QuorumMesh.State.Journal;

/// <summary>Working copy of one account: what the parent state says and what has become of it.</summary>
internal sealed class AccountEntry
{
    public AccountEntry(in Address address, Account? origin)
    {
        Address = address;
        Origin = origin;
        CodeHash = Hash256.EmptyCode;
        if (origin is not { } account) return;
        Exists = true;
        Nonce = account.Nonce;
        Balance = account.Balance;
        CodeHash = account.CodeHash;
        Privacy = account.Privacy;
    }

    public Address Address { get; }

    /// <summary>The parent's account, whatever happened since.</summary>
    public Account? Origin { get; }

    public bool Exists { get; set; }

    public ulong Nonce { get; set; }

    public UInt256 Balance { get; set; }

    public Hash256 CodeHash { get; set; }

    /// <summary>Null until read.</summary>
    public byte[]? Code { get; set; }

    /// <summary>See <see cref="Account.Privacy"/>.</summary>
    public PrivacyMetadata? Privacy { get; set; }

    /// <summary>The parent's storage is no longer visible: the account was deleted or created anew.</summary>
    public bool Wiped { get; set; }

    public bool SelfDestructed { get; set; }

    /// <summary>The transaction that has the address in its access list (EIP-2929), by number.</summary>
    public int WarmIn { get; set; }

    /// <summary>The transaction that created the contract (EIP-6780), by number.</summary>
    public int CreatedIn { get; set; }

    public SlotTable? Slots { get; set; }

    public bool IsEmpty => Nonce == 0 && Balance.IsZero && CodeHash == Hash256.EmptyCode;

    /// <summary>The parent state may hold slots of this account.</summary>
    public bool HasOriginStorage => !Wiped && Origin is { HasStorage: true };

    // Old storage must not show through when the address is used again, in this block or a later one.
    public void Delete()
    {
        Exists = false;
        SelfDestructed = false;
        Wiped = true;
        Nonce = 0;
        Balance = UInt256.Zero;
        CodeHash = Hash256.EmptyCode;
        Code = null;
        Privacy = null;
        Slots = null;
    }
}
