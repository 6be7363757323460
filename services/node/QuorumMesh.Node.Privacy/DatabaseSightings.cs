using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Privacy;

/// <summary>
/// What the manager's answers told of its database. Answers overtake each other, so each is measured by what was known when it
/// was asked for. Thread safe.
/// </summary>
internal sealed class DatabaseSightings
{
    /// <summary>A manager's id is 32 characters; what is longer is no id.</summary>
    private const int MaxId = 100;

    private readonly Lock _lock = new();
    private string _id = "";
    private long _highest;

    /// <summary>What was known when a question was asked.</summary>
    public readonly record struct Question(string Id, long Highest);

    public Question Ask()
    {
        lock (_lock) return new Question(_id, _highest);
    }

    /// <returns>Null when the answer does not tell, as those of older managers.</returns>
    public ManagerDatabase? Answer(Question asked, Database? told)
    {
        if (told is null || told.Id.Length is 0 or > MaxId || told.Watermark < 0) return null;
        lock (_lock)
        {
            // One that was set back is told once; from then on it is measured by itself.
            if (told.Id != _id || (asked.Id == _id && told.Watermark < asked.Highest)) (_id, _highest) = (told.Id, told.Watermark);
            else _highest = Math.Max(_highest, told.Watermark);
        }
        return new ManagerDatabase(told.Id, told.Watermark, asked.Id == told.Id ? asked.Highest : 0);
    }
}
