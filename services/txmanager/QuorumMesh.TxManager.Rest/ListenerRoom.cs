using QuorumMesh.Listeners;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest;

/// <summary>Payloads that are worked on count in the budget of the listener that the call came to.</summary>
public static class ListenerRoom
{
    /// <param name="share">Of the call; whoever has it disposes it at the call's end.</param>
    public static PayloadRoom Of(ByteLease share) => new(share.TryAdd, bytes => share.TryAdd(-bytes));
}
