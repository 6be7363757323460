using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>Adds a privacy group, or marks one as deleted; a deletion is never undone.</summary>
/// <param name="now">Milliseconds since 1970.</param>
internal sealed class SaveGroup(PrivacyGroup group, long now) : StoreWrite(default)
{
    protected override bool Apply(WriterSession session)
    {
        session.SaveGroup(group.Id.ToArray(), group.LookupId.ToArray(), PrivacyGroupCodec.Encode(group), now, group.IsDeleted);
        return true;
    }
}
