using System.Reflection;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;
using SampleKeys = QuorumMesh.Tests.Shared.Managers.Keys;

namespace QuorumMesh.TxManager.Core.Tests.Distribution;

public sealed class PushReceiverTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_could_not_be_stored_is_told_to_nobody(bool fails)
    {
        var payload = new EncodedPayload
        {
            SenderKey = SampleKeys.S,
            CipherText = new byte[20],
            CipherTextNonce = new byte[24],
            RecipientBoxes = [new byte[48]],
            RecipientNonce = new byte[24],
            RecipientKeys = [SampleKeys.R],
        };
        var enclave = Answering<IEnclave>(method => method switch
        {
            nameof(IEnclave.KeysAsync) => Task.FromResult(new EnclaveKeys([SampleKeys.R], [], [])),
            nameof(IEnclave.OpenAsync) => Task.FromResult(new OpenedPayload([1, 2, 3], SampleKeys.R)),
            _ => null,
        });
        var recent = new RecentPayloads(TimeProvider.System);
        var foundWhileSaving = false;
        var store = Answering<IPayloadStore>(method =>
        {
            if (method == nameof(IPayloadStore.FindAsync))
                return Task.FromResult<EncodedPayload?>(null);
            if (method != nameof(IPayloadStore.SaveAsync))
                return null;
            foundWhileSaving = recent.Find(payload.ComputeHash()) is not null;
            return fails ? Task.FromException(new PrivacyException(Failure.StoreUnavailable, "full")) : Task.CompletedTask;
        });
        var receiver = new PushReceiver(enclave, store, new OwnKeys(enclave, []), recent);
        var push = receiver.StoreAsync(LegacyPayloadCodec.Encode(payload), new PayloadRoom(_ => true, _ => { }), default);
        if (fails)
            await Assert.ThrowsAsync<PrivacyException>(() => push);
        else
            await push;
        // It is there for whoever hears of the row, which may be before the save has returned.
        Assert.Equal((true, !fails), (foundWhileSaving, recent.Find(payload.ComputeHash()) is not null));
    }

    private static T Answering<T>(Func<string, object?> answer)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Answers>();
        ((Answers)(object)proxy).Answer = answer;
        return proxy;
    }

    /// <summary>One double whose few methods that are called answer.</summary>
    public class Answers : DispatchProxy
    {
        internal Func<string, object?> Answer { get; set; } = _ => null;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            Answer(targetMethod!.Name) ?? throw new NotSupportedException(targetMethod.Name);
    }
}
