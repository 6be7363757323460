namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>Why a caller may not make a call that others may.</summary>
public enum CallRefusal
{
    None,

    /// <summary>Its token has ended: HTTP 401.</summary>
    Expired,

    /// <summary>Its token does not allow this method: HTTP 403.</summary>
    Denied,

    /// <summary>Too many in too short a time: HTTP 429.</summary>
    TooMany,
}
