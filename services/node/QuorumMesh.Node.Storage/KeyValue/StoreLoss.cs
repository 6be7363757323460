namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>A store was opened and lacks writes that it had. Blocks can come again from elsewhere; what nobody else has cannot.</summary>
/// <param name="OpenedAt">Number of the head block that was found.</param>
/// <param name="WasAt">The same as it was; null when it is not known.</param>
/// <param name="Cause">What was found.</param>
/// <param name="KeptIn">A folder with copies of the damaged files; null when none was found damaged.</param>
public sealed record StoreLoss(ulong OpenedAt, ulong? WasAt, string Cause, string? KeptIn);
