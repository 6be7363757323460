using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Integrity;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>Counts damaged rows and tells of them: by the hash of the transaction and what does not fit, never by what is stored.</summary>
internal sealed class DamageReport
{
    private const int MaxRemembered = 1024;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _told = [];
    private long _count;

    /// <summary>Called on the reader's thread.</summary>
    public event Action<string>? Found;

    public long Count => Interlocked.Read(ref _count);

    public PrivacyException Raise(RowKind kind, PayloadHash? hash, string fault)
    {
        var message = Describe(kind, hash, fault);
        Tell(message);
        return new PrivacyException(Failure.Damaged, message);
    }

    /// <summary>For rows that are passed again and again by the same reader: told once.</summary>
    public void RaiseOnce(RowKind kind, PayloadHash? hash, string fault) => TellOnce(Describe(kind, hash, fault));

    /// <summary>Of rows that have no hash.</summary>
    public void TellOnce(string message)
    {
        lock (_gate)
        {
            if (_told.Count >= MaxRemembered)
                _told.Clear();
            if (!_told.Add(message))
                return;
        }

        Tell(message);
    }

    public static string Describe(RowKind kind, PayloadHash? hash, string fault)
    {
        var named = hash?.ToBase64() is { } text ? $"with hash {text}" : "with a hash that is none";
        return kind switch
        {
            RowKind.Payload =>
                $"The payload stored {named} is damaged ({fault}): have a party send it again (resend), or restore the database "
                    + "from a backup",
            RowKind.Raw =>
                $"The raw payload stored {named} is damaged ({fault}): store it again under a new hash, or restore the database "
                    + "from a backup",
            _ => $"The participation record {named} is damaged ({fault}): restore the database from a backup",
        };
    }

    private void Tell(string message)
    {
        Interlocked.Increment(ref _count);
        Found?.Invoke(message);
    }
}
