using System.Text;
using System.Text.Json;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>What a recovery gives back of transactions with private state validation.</summary>
public sealed class EnhancedRecoveryTests(PrivacyFlagTests.EnhancedNetwork network)
    : IClassFixture<PrivacyFlagTests.EnhancedNetwork>, IAsyncLifetime
{
    public Task InitializeAsync() => AreKnownAsync();

    public async Task DisposeAsync()
    {
        await network.A.StopManagerAsync();
        await network.A.StartManagerAsync();
        await network.WaitForMeshAsync();
    }

    [Fact]
    public async Task A_contract_goes_on_after_one_of_its_parties_has_lost_its_database()
    {
        var contract = await SendAsync(network.A, []);
        List<string> sent = [contract];
        foreach (var party in network.All)
            sent.Add(await SendAsync(party, [contract]));
        await LoseDatabaseAsync();
        Assert.Equal(0, await RecoverAsync());
        await network.A.StartManagerAsync();
        foreach (var hash in sent)
            Assert.Equal(200, await StatusAsync(network.A, hash));
        await AreKnownAsync();
        foreach (var party in network.All)
            await SendAsync(party, [contract]);
    }

    [Fact]
    public async Task What_builds_on_something_that_nobody_gives_back_is_told_as_not_recovered()
    {
        var contract = await SendAsync(network.C, []);
        var call = await SendAsync(network.C, [contract]);
        await DeleteAsync(network.C, contract);
        await LoseDatabaseAsync();
        Assert.Equal(1, await RecoverAsync());
        await network.A.StartManagerAsync();
        Assert.Equal(404, await StatusAsync(network.A, call));
        await DeleteAsync(network.C, call);
    }

    /// <summary>A manager that was away is known to take flags once it has said so again.</summary>
    private async Task AreKnownAsync()
    {
        foreach (var party in network.All)
            await Wait.UntilAsync(async () => (await PostAsync(party, [])).Status == 201, "the managers know what each other takes");
    }

    private async Task DeleteAsync(Participant at, string hash)
    {
        using var deleted = await network.Http.DeleteAsync($"{at.Q2T}transaction/{TestNetwork.Escape(hash)}");
        Assert.Equal(204, (int)deleted.StatusCode);
    }

    private async Task<int> StatusAsync(Participant at, string hash)
    {
        using var answer = await network.Http.GetAsync($"{at.Q2T}transaction/{TestNetwork.Escape(hash)}");
        return (int)answer.StatusCode;
    }

    private async Task<string> SendAsync(Participant from, string[] affected)
    {
        var (status, body) = await PostAsync(from, affected);
        Assert.True(status == 201, $"{status} {body}");
        using var answer = JsonDocument.Parse(body);
        return answer.RootElement.GetProperty("key").GetString()!;
    }

    private Task<(int Status, string Body)> PostAsync(Participant from, string[] affected) =>
        network.PostJsonAsync(from.Q2T + "send", JsonSerializer.Serialize(new
        {
            payload = Convert.ToBase64String(Encoding.UTF8.GetBytes("payload " + Guid.NewGuid())),
            to = network.All.Select(p => p.Key.ToBase64()),
            privacyFlag = 3,
            affectedContractTransactions = affected,
            execHash = "an execution hash",
        }));

    private async Task LoseDatabaseAsync()
    {
        await network.A.StopManagerAsync();
        foreach (var suffix in new[] { "", "-wal", "-shm" })
            File.Delete(network.A.Database + suffix);
    }

    private Task<int> RecoverAsync() => RecoveryRun.RunAsync(
        () => ManagerConfig.Read(new CommandLineSettings(network.A.ConfigFile, [])) with { RecoveryPeerWait = Wait.Limit / 4 },
        default);
}
