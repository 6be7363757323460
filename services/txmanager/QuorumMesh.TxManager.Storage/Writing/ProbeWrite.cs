using System.Globalization;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>A write for its own sake: a full disk or a database that has become read-only answers reads as before.</summary>
/// <param name="now">Milliseconds since 1970.</param>
internal sealed class ProbeWrite(long now) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        session.SetMetadata(MetadataRow.Probe, now.ToString(CultureInfo.InvariantCulture));
        return true;
    }
}
