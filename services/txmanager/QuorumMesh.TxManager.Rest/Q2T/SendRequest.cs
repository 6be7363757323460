using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>The members that /send and /sendsignedtx share (tessera 1.2).</summary>
internal static class SendRequest
{
    public static PrivacyOptions Privacy(JsonBody body)
    {
        var flag = body.Number("privacyFlag", 0);
        var mode = flag is >= 0 and <= 3 ? (PrivacyMode)flag : PrivacyMode.StandardPrivate;
        if (mode == PrivacyMode.PrivateStateValidation && string.IsNullOrEmpty(body.Text("execHash")))
            throw new PrivacyException(Failure.BadRequest, "execHash: is required with privacyFlag 3");
        if (mode != PrivacyMode.PrivateStateValidation && !string.IsNullOrEmpty(body.Text("execHash")))
            throw new PrivacyException(Failure.BadRequest, "execHash: is allowed only with privacyFlag 3");
        var mandatory = body.Keys("mandatoryRecipients");
        if ((mode == PrivacyMode.MandatoryRecipients) != mandatory.Count > 0)
            throw new PrivacyException(Failure.BadRequest, "mandatoryRecipients: is required with privacyFlag 2 and allowed only with it");
        return new PrivacyOptions(mode, body.Array("affectedContractTransactions").Count > 0);
    }
}
