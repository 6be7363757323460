using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>The database that a manager answered from, and how much it knew.</summary>
/// <param name="Id">Made with the database; managers that share one have the same.</param>
/// <param name="Watermark">The highest sequence number of its records, at least what the answer reflects.</param>
/// <param name="AtLeast">
/// The highest watermark that had come from it when the question was asked: a lower one in the answer means that the database was set
/// back, for one that is only overtaken by a later answer is not below this.
/// </param>
/// <param name="Row">The record that was asked about with the question; null when none was, or the manager does not tell.</param>
public sealed record ManagerDatabase(string Id, long Watermark, long AtLeast, ManagerRow? Row = null);

/// <summary>What stands at a sequence number of a manager's database.</summary>
/// <param name="Hash">
/// Null when there is no record: a payload that was lost and came back has a later one, and a replica may not have it yet.
/// </param>
public sealed record ManagerRow(long Sequence, PayloadHash? Hash);
