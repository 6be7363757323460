using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

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
    private long _row;

    /// <summary>What was known when a question was asked.</summary>
    /// <param name="Row">The record that it asks about; 0 for none.</param>
    public readonly record struct Question(string Id, long Highest, long Row);

    public Question Ask()
    {
        lock (_lock) return new Question(_id, _highest, _row);
    }

    /// <summary>See <see cref="ITransactionManager.AskAbout"/>.</summary>
    public void AskAbout(long sequence)
    {
        lock (_lock) _row = sequence;
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
        return new ManagerDatabase(told.Id, told.Watermark, asked.Id == told.Id ? asked.Highest : 0, Row(asked, told));
    }

    private static ManagerRow? Row(Question asked, Database told) => asked.Row > 0 && told.RowSequence == asked.Row
        ? new ManagerRow(asked.Row, told.RowHash.Length == PayloadHash.Size ? new PayloadHash(told.RowHash.Span) : null) : null;
}
