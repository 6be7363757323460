namespace QuorumMesh.State.Store;

/// <summary>Starts <paramref name="work"/> beside the caller. The host's, since this project knows no threads.</summary>
public delegate RunningWork StartWork(Action work);

/// <param name="IsDone">True when it has ended, well or not.</param>
/// <param name="Wait">Returns when it has ended; throws what it threw, as often as it is called.</param>
public sealed record RunningWork(Func<bool> IsDone, Action Wait);
