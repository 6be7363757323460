using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>The manager's answers about votes on contract extensions, settled ones: the last few. Owned by the writer loop.</summary>
internal sealed class VoteCache
{
    private const int Most = 1_024;

    private readonly Dictionary<PayloadHash, VoteAnswer> _answers = [];

    public VoteAnswer? Find(PayloadHash hash) => _answers.GetValueOrDefault(hash);

    public void Clear() => _answers.Clear();

    public void Add(VoteAnswer answer)
    {
        // What is forgotten here is asked again.
        if (_answers.Count >= Most) _answers.Clear();
        _answers[answer.Hash] = answer;
    }
}
