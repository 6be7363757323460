using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>One account state, public or private, with a journal. Not thread safe.</summary>
public interface IWorldState
{
    /// <summary>The account object is there, even when empty (touched, before EIP-158 clears it).</summary>
    bool Exists(in Address a);

    /// <summary>EIP-161; true when absent.</summary>
    bool IsEmpty(in Address a);

    /// <summary>In wei; zero when absent.</summary>
    UInt256 GetBalance(in Address a);

    /// <summary>Zero when absent.</summary>
    ulong GetNonce(in Address a);

    /// <summary>Zero when the account is absent, <see cref="Hash256.EmptyCode"/> when it has no code.</summary>
    Hash256 GetCodeHash(in Address a);

    /// <summary>Empty when there is none. Treat as immutable.</summary>
    byte[] GetCode(in Address a);

    /// <summary>The value now; zero when slot or account is absent.</summary>
    UInt256 GetStorage(in Address a, in UInt256 slot);

    /// <summary>The value at the start of the transaction.</summary>
    UInt256 GetCommittedStorage(in Address a, in UInt256 slot);

    /// <summary>The storage root differs from the empty one (EIP-7610).</summary>
    bool HasStorage(in Address a);

    /// <summary>Journalled; makes the account when it is absent.</summary>
    void SetStorage(in Address a, in UInt256 slot, in UInt256 value);

    /// <summary>EIP-1153; zero at the start of each transaction.</summary>
    UInt256 GetTransient(in Address a, in UInt256 slot);

    /// <summary>EIP-1153. Journalled.</summary>
    void SetTransient(in Address a, in UInt256 slot, in UInt256 value);

    /// <summary>Fresh nonce, code and storage; an existing balance is carried over.</summary>
    void CreateAccount(in Address a);

    /// <summary>
    /// Brings back, empty, an account that an earlier transaction of this block deleted, so that the end of the transaction does
    /// not look at it. False, and nothing done, when there is none or it exists.
    /// </summary>
    bool TryRestoreCleared(in Address a);

    /// <summary>EIP-6780.</summary>
    void MarkCreated(in Address a);

    /// <summary>Whether <see cref="MarkCreated"/> was called in this transaction.</summary>
    bool IsCreatedInTransaction(in Address a);

    /// <summary>Creates the account when absent; a zero amount touches it.</summary>
    void AddBalance(in Address a, in UInt256 v);

    /// <summary>Journalled; makes the account when it is absent. The caller has checked that the amount is there.</summary>
    void SubtractBalance(in Address a, in UInt256 v);

    /// <summary>Journalled; makes the account when it is absent.</summary>
    void SetBalance(in Address a, in UInt256 v);

    /// <summary>Journalled; makes the account when it is absent.</summary>
    void SetNonce(in Address a, ulong n);

    /// <summary>Journalled; the array must not be changed afterwards.</summary>
    void SetCode(in Address a, byte[] code);

    /// <summary>Marks the account for deletion at the end of the transaction and zeroes its balance.</summary>
    void SelfDestruct(in Address a);

    /// <summary>Whether it is marked for deletion at the end of the transaction.</summary>
    bool HasSelfDestructed(in Address a);

    /// <summary>Journalled: a revert takes it back.</summary>
    void AddLog(LogEntry log);

    /// <summary>Of the current transaction.</summary>
    IReadOnlyList<LogEntry> Logs { get; }

    /// <summary>Of the current transaction, in gas, before the cap.</summary>
    ulong Refund { get; }

    /// <summary>Journalled.</summary>
    void AddRefund(ulong gas);

    /// <summary>Journalled; never below zero.</summary>
    void SubtractRefund(ulong gas);

    /// <summary>EIP-2929; true when the address was cold. Journalled.</summary>
    bool WarmAddress(in Address a);

    /// <summary>EIP-2929, without warming it.</summary>
    bool IsWarm(in Address a);

    /// <summary>EIP-2929; true when the slot was cold. Journalled.</summary>
    bool WarmSlot(in Address a, in UInt256 slot);

    /// <summary>EIP-2929, without warming it.</summary>
    bool IsSlotWarm(in Address a, in UInt256 slot);

    /// <summary>A place to revert to within the transaction.</summary>
    int Snapshot();

    /// <summary>Takes back what came since, logs, refund and warmth included.</summary>
    void RevertToSnapshot(int id);
}
