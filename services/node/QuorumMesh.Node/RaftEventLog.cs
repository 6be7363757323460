using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node;

/// <summary>
/// Lines on what Raft did not take. Strangers cannot fill the log: one line a minute for each reason, with the number of those
/// kept back.
/// </summary>
internal sealed class RaftEventLog(ILogger log, TimeProvider clock)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Silence> _refused = new();

    public static void Attach(NodeEvents events, ILogger log)
    {
        var lines = new RaftEventLog(log, TimeProvider.System);
        events.RaftMessageRefused += lines.Refused;
        events.EntryPassedOver += lines.PassedOver;
        events.CatchUpFailed += reason => log.LogError("{Reason}; it is tried again", reason);
    }

    internal void Refused(RaftRefusedEvent refused)
    {
        var silence = _refused.GetOrAdd(refused.Reason, static _ => new Silence());
        long held;
        lock (silence)
        {
            var now = clock.GetTimestamp();
            if (silence.Since is { } since && clock.GetElapsedTime(since, now) < Quiet)
            {
                silence.Held++;
                return;
            }
            (silence.Since, held, silence.Held) = (now, silence.Held, 0);
        }
        // Members post too, until they have each other's streams.
        var level = refused.Reason == "not-by-post" ? LogLevel.Information : LogLevel.Warning;
        log.Log(level, "Refused a Raft message ({Kind}) that names member {From} as its sender: {Reason}{Detail}{Advice}; {Held} more "
            + "like it in the last minute or longer",
            refused.Kind, refused.From, refused.Reason, refused.Detail is { } detail ? $" ({detail})" : "", Advice(refused.Reason), held);
    }

    internal void PassedOver(PassedOverEvent passed)
    {
        if (passed.Kind == PassedOverKind.Void)
            log.LogWarning("Block {Number} {Hash} (Raft entry {Index}) is void: {Reason}", passed.Block?.Number, passed.Block?.Hash,
                passed.Index, passed.Reason);
        else
            log.LogError("Raft entry {Index} is committed and passed over ({Kind}), block {Number} {Hash}: {Reason}", passed.Index,
                passed.Kind, passed.Block?.Number, passed.Block?.Hash, passed.Reason);
    }

    private static string Advice(string reason) => reason switch
    {
        "past-log" => ": entries that this member acknowledged are gone from its log; it neither votes nor leads until it has them again. "
            + "Remove it and let it join under a new id",
        "conflict" => ": the sender's log has another entry where this one has a committed one; one of the two has lost its log or "
            + "belongs to another cluster",
        "plain-text" => ": it speaks plain text, and this node takes TLS (--raft.tls require); give that member --raft.tls prefer first, "
            + "or name it in --raft.tls.plain when it is a GoQuorum",
        "another-member" => ": its certificate is not that member's; somebody speaks in its name, or two members have each other's files",
        "plain-beside-tls" => ": that member has the same stream open over TLS, so this is somebody else",
        _ => "",
    };

    private sealed class Silence
    {
        public long? Since { get; set; }
        public long Held { get; set; }
    }
}
