using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>The pool refused a transaction; the message is GoQuorum's text.</summary>
public sealed class TransactionRejectedException(string message) : Exception(message);

/// <summary>The node cannot go on without an operator: the message says why and what to do.</summary>
public sealed class NodeHaltedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A private read past the private head: the answer would be stale, so there is none.</summary>
public sealed class PrivateStateBehindException(ulong block, PayloadHash? payload, string reason)
    : Exception($"private state is not available from block {block} on: {reason}{(payload is { } hash ? $" (payload {hash})" : "")}")
{
    public ulong Block => block;
    public PayloadHash? Payload => payload;
}

/// <summary>This node is on another chain than most members: what it says has happened would be taken for acknowledged.</summary>
public sealed class HeadConflictException(HeadConflict conflict) : Exception(conflict.ToString());
