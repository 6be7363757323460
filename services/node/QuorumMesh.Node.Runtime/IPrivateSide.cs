using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>How the private side stands, for operators.</summary>
/// <param name="WaitingFor">The payload that it cannot go on without.</param>
/// <param name="Refusal">Why the manager's answers are not taken; null when they are.</param>
/// <param name="Accepted">The manager's database that the private state was made from; null when the manager does not tell.</param>
/// <param name="Seen">The one that it answers from now; null when it has not told since the start.</param>
/// <param name="LatePayloads">Payloads that came later than the private state goes back for by itself.</param>
/// <param name="FirstLateBlock">The first block that was run without one of them.</param>
public sealed record PrivateSideReport(
    ulong Head, ulong PrivateHead, PayloadHash? WaitingFor, string? Reason, string? Refusal, KnownDatabase? Accepted, KnownDatabase? Seen,
    int LatePayloads, ulong? FirstLateBlock);

/// <summary>What a look at the manager found.</summary>
/// <param name="Checked">Payloads that this node has run.</param>
/// <param name="Lost">Of them, those that the manager does not have: the first of them.</param>
/// <param name="LostCount">All of them.</param>
public sealed record ManagerCheck(int Checked, int LostCount, IReadOnlyList<PayloadHash> Lost);

/// <summary>What a look for payloads that came late found.</summary>
/// <param name="Asked">Payloads that executed blocks were run without, and that the manager was asked for again.</param>
/// <param name="Found">Of them, those that it has now: their blocks are run again.</param>
/// <param name="Problem">Why the look ended early; null at its end.</param>
public sealed record LateLook(int Asked, int Found, string? Problem);

/// <summary>What an operator may ask of the private side. Thread safe.</summary>
public interface IPrivateSide
{
    /// <summary>How the private side stands, as the loop knows it.</summary>
    Task<PrivateSideReport> ReportAsync(CancellationToken cancellation);

    /// <summary>Asks the manager for every payload that this node has run.</summary>
    /// <exception cref="Ports.TransactionManagerException">It does not answer.</exception>
    Task<ManagerCheck> CheckManagerAsync(CancellationToken cancellation);

    /// <summary>Takes the manager at its word again, with the database that it has now.</summary>
    /// <exception cref="InvalidOperationException">Nothing is refused, or the manager has not answered since the start.</exception>
    Task AcceptManagerAsync(CancellationToken cancellation);

    /// <summary>Asks the manager again for what it did not know in the last blocks; a manager that tells of late payloads too.</summary>
    /// <param name="blocks">How many, at most 100,000; null for 10,000.</param>
    Task<LateLook> AskAgainAsync(ulong? blocks, CancellationToken cancellation);

    /// <summary>Takes the private state back to that after a block; the blocks behind it are run again.</summary>
    /// <param name="block">Null for the one before the first that a payload came late for.</param>
    /// <returns>The block it goes back to.</returns>
    /// <exception cref="InvalidOperationException">There is nothing to go back for.</exception>
    Task<ulong> RewindAsync(ulong? block, CancellationToken cancellation);
}
