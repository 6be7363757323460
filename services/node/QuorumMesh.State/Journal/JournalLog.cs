namespace QuorumMesh.State.Journal;

/// <summary>The undo entries of one transaction, oldest first, in chunks that are kept for the next one (up to a bound).</summary>
internal sealed class JournalLog
{
    private const int ChunkBits = 9;
    private const int ChunkSize = 1 << ChunkBits;
    private const int KeptChunks = 64;

    private readonly List<JournalEntry[]> _chunks = [];

    public int Count { get; private set; }

    public ref JournalEntry this[int index] => ref _chunks[index >> ChunkBits][index & ChunkSize - 1];

    /// <summary>A cleared entry at the end, to be filled in.</summary>
    public ref JournalEntry Add(JournalKind kind, AccountEntry? account)
    {
        if (Count >> ChunkBits == _chunks.Count) _chunks.Add(new JournalEntry[ChunkSize]);
        ref JournalEntry entry = ref this[Count++];
        entry = default;
        entry.Kind = kind;
        entry.Account = account;
        return ref entry;
    }

    public void Truncate(int count) => Count = count;

    public void Clear()
    {
        Count = 0;
        if (_chunks.Count > KeptChunks) _chunks.RemoveRange(KeptChunks, _chunks.Count - KeptChunks);
    }
}
