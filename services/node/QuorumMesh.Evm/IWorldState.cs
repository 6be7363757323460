using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>One account state, public or private, with a journal. Not thread safe.</summary>
public interface IWorldState
{
    /// <summary>The account object is there, even when empty (touched, before EIP-158 clears it).</summary>
    bool Exists(in Address a);

    /// <summary>EIP-161; true when absent.</summary>
    bool IsEmpty(in Address a);

    UInt256 GetBalance(in Address a);

    ulong GetNonce(in Address a);

    /// <summary>Zero when the account is absent, <see cref="Hash256.EmptyCode"/> when it has no code.</summary>
    Hash256 GetCodeHash(in Address a);

    /// <summary>Empty when there is none. Treat as immutable.</summary>
    byte[] GetCode(in Address a);

    UInt256 GetStorage(in Address a, in UInt256 slot);

    /// <summary>The value at the start of the transaction.</summary>
    UInt256 GetCommittedStorage(in Address a, in UInt256 slot);

    /// <summary>The storage root differs from the empty one (EIP-7610).</summary>
    bool HasStorage(in Address a);

    void SetStorage(in Address a, in UInt256 slot, in UInt256 value);

    UInt256 GetTransient(in Address a, in UInt256 slot);

    void SetTransient(in Address a, in UInt256 slot, in UInt256 value);

    /// <summary>Fresh nonce, code and storage; an existing balance is carried over.</summary>
    void CreateAccount(in Address a);

    /// <summary>
    /// Brings back, empty, an account that an earlier transaction of this block deleted, so that the end of the transaction does not look at it.
    /// False, and nothing done, when there is none or it exists.
    /// </summary>
    bool TryRestoreCleared(in Address a);

    /// <summary>EIP-6780.</summary>
    void MarkCreated(in Address a);

    bool IsCreatedInTransaction(in Address a);

    /// <summary>Creates the account when absent; a zero amount touches it.</summary>
    void AddBalance(in Address a, in UInt256 v);

    void SubtractBalance(in Address a, in UInt256 v);

    void SetBalance(in Address a, in UInt256 v);

    void SetNonce(in Address a, ulong n);

    void SetCode(in Address a, byte[] code);

    /// <summary>Marks the account for deletion at the end of the transaction and zeroes its balance.</summary>
    void SelfDestruct(in Address a);

    bool HasSelfDestructed(in Address a);

    void AddLog(LogEntry log);

    /// <summary>Of the current transaction.</summary>
    IReadOnlyList<LogEntry> Logs { get; }

    ulong Refund { get; }

    void AddRefund(ulong gas);

    void SubtractRefund(ulong gas);

    /// <summary>EIP-2929; true when the address was cold. Journalled.</summary>
    bool WarmAddress(in Address a);

    bool IsWarm(in Address a);

    /// <summary>EIP-2929; true when the slot was cold. Journalled.</summary>
    bool WarmSlot(in Address a, in UInt256 slot);

    bool IsSlotWarm(in Address a, in UInt256 slot);

    int Snapshot();

    void RevertToSnapshot(int id);
}
