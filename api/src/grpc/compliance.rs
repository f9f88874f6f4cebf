//! The service `Compliance`: what is asked of the organisation by the EU AI Act
//! and by frameworks, and what the ledger shows of it.
//!
//! Each method here names what makes a call of its message and a message of the
//! answer; both are in the module of its subject.

mod controls;
mod documents;
mod duties;
mod incidents;
mod oversight;
mod packages;
mod profile;
mod records;

use proto::governance::v1::compliance_server::Compliance;
use proto::governance::v1::{
    AnnexIv, AnnexIvSection, AnonymizeReply, AnonymizeRequest, ApplyHoldReply, ApplyHoldRequest,
    ArticleDuties, AttestControlRequest, CloseIncidentRequest, ComplianceStatistics,
    ComplianceStatisticsRequest, Control, DocumentReply, DutyRegister, FrameworkCoverage,
    FrameworkReport, FrameworkRequest, GetAnnexIvPackageRequest, GetAnnexIvRequest,
    GetArticle11DocumentRequest, GetArticleDocumentRequest, GetArticleRequest, GetControlRequest,
    GetIncidentRequest, GetOversightPackageRequest, GetProfileRequest, GetQueryRequest,
    GetRegisterRequest, GetRegulatoryPackageRequest, GetTimelineRequest, Incident, LedgerQuery,
    LiftStopReply, LiftStopRequest, LinkControlReply, LinkControlRequest, ListControlsReply,
    ListControlsRequest, ListGapsReply, ListHoldsReply, ListHoldsRequest, ListIncidentsReply,
    ListIncidentsRequest, ListQueriesReply, ListQueriesRequest, OversightEffectivenessReply,
    OversightEffectivenessRequest, OversightPackageReply, Profile, RecordIncidentRequest,
    RecordInterventionReply, RecordInterventionRequest, RecordStatus, RecordStatusRequest,
    RegulatoryPackageReply, ReleaseHoldReply, ReleaseHoldRequest, ReportIncidentRequest,
    SetProfileRequest, Timeline, UpdateAnnexIvRequest, VerifyInterventionReply,
    VerifyInterventionRequest,
};
use tonic::{Request, Response, Status};

use super::Service;
use crate::backend::Backend;

#[tonic::async_trait]
impl<B: Backend> Compliance for Service<B> {
    async fn record_intervention(
        &self,
        request: Request<RecordInterventionRequest>,
    ) -> Result<Response<RecordInterventionReply>, Status> {
        self.reply(request, oversight::record, oversight::recorded).await
    }

    async fn verify_intervention(
        &self,
        request: Request<VerifyInterventionRequest>,
    ) -> Result<Response<VerifyInterventionReply>, Status> {
        self.reply(request, oversight::verify, oversight::verified).await
    }

    async fn lift_stop(
        &self,
        request: Request<LiftStopRequest>,
    ) -> Result<Response<LiftStopReply>, Status> {
        self.reply(request, oversight::lift, oversight::lifted).await
    }

    async fn oversight_effectiveness(
        &self,
        request: Request<OversightEffectivenessRequest>,
    ) -> Result<Response<OversightEffectivenessReply>, Status> {
        self.reply(request, oversight::period, oversight::effectiveness).await
    }

    async fn get_oversight_package(
        &self,
        request: Request<GetOversightPackageRequest>,
    ) -> Result<Response<OversightPackageReply>, Status> {
        self.reply_any(request, packages::of_oversight, packages::oversight).await
    }

    async fn get_register(
        &self,
        request: Request<GetRegisterRequest>,
    ) -> Result<Response<DutyRegister>, Status> {
        self.reply(request, duties::of_register, duties::register).await
    }

    async fn get_article(
        &self,
        request: Request<GetArticleRequest>,
    ) -> Result<Response<ArticleDuties>, Status> {
        self.reply(request, duties::of_article, duties::article).await
    }

    async fn get_timeline(
        &self,
        request: Request<GetTimelineRequest>,
    ) -> Result<Response<Timeline>, Status> {
        self.reply(request, duties::of_timeline, duties::timeline).await
    }

    async fn list_queries(
        &self,
        request: Request<ListQueriesRequest>,
    ) -> Result<Response<ListQueriesReply>, Status> {
        self.reply(request, duties::of_queries, duties::queries).await
    }

    async fn get_query(
        &self,
        request: Request<GetQueryRequest>,
    ) -> Result<Response<LedgerQuery>, Status> {
        self.reply(request, duties::of_query, duties::query).await
    }

    async fn get_profile(
        &self,
        request: Request<GetProfileRequest>,
    ) -> Result<Response<Profile>, Status> {
        self.reply(request, profile::get, profile::shown).await
    }

    async fn set_profile(
        &self,
        request: Request<SetProfileRequest>,
    ) -> Result<Response<Profile>, Status> {
        self.reply(request, profile::set, profile::shown).await
    }

    async fn get_record_status(
        &self,
        request: Request<RecordStatusRequest>,
    ) -> Result<Response<RecordStatus>, Status> {
        self.reply(request, records::of_status, records::status).await
    }

    async fn get_regulatory_package(
        &self,
        request: Request<GetRegulatoryPackageRequest>,
    ) -> Result<Response<RegulatoryPackageReply>, Status> {
        self.reply_any(request, packages::of_records, packages::records).await
    }

    async fn apply_hold(
        &self,
        request: Request<ApplyHoldRequest>,
    ) -> Result<Response<ApplyHoldReply>, Status> {
        self.reply(request, records::apply, records::applied).await
    }

    async fn list_holds(
        &self,
        request: Request<ListHoldsRequest>,
    ) -> Result<Response<ListHoldsReply>, Status> {
        self.reply(request, records::of_holds, records::holds).await
    }

    async fn release_hold(
        &self,
        request: Request<ReleaseHoldRequest>,
    ) -> Result<Response<ReleaseHoldReply>, Status> {
        self.reply(request, records::release, records::released).await
    }

    async fn anonymize(
        &self,
        request: Request<AnonymizeRequest>,
    ) -> Result<Response<AnonymizeReply>, Status> {
        self.reply(request, records::anonymize, records::anonymized).await
    }

    async fn record_incident(
        &self,
        request: Request<RecordIncidentRequest>,
    ) -> Result<Response<Incident>, Status> {
        self.reply(request, incidents::record, incidents::shown).await
    }

    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsReply>, Status> {
        self.reply(request, incidents::of_list, incidents::list).await
    }

    async fn get_incident(
        &self,
        request: Request<GetIncidentRequest>,
    ) -> Result<Response<Incident>, Status> {
        self.reply(request, incidents::get, incidents::shown).await
    }

    async fn report_incident(
        &self,
        request: Request<ReportIncidentRequest>,
    ) -> Result<Response<Incident>, Status> {
        self.reply(request, incidents::report, incidents::shown).await
    }

    async fn close_incident(
        &self,
        request: Request<CloseIncidentRequest>,
    ) -> Result<Response<Incident>, Status> {
        self.reply(request, incidents::close, incidents::shown).await
    }

    async fn get_annex_iv(
        &self,
        request: Request<GetAnnexIvRequest>,
    ) -> Result<Response<AnnexIv>, Status> {
        self.reply(request, documents::of_sections, documents::annex_iv).await
    }

    async fn update_annex_iv(
        &self,
        request: Request<UpdateAnnexIvRequest>,
    ) -> Result<Response<AnnexIvSection>, Status> {
        self.reply(request, documents::update, documents::section).await
    }

    async fn get_annex_iv_package(
        &self,
        request: Request<GetAnnexIvPackageRequest>,
    ) -> Result<Response<DocumentReply>, Status> {
        self.reply_any(request, documents::of_package, documents::document).await
    }

    async fn get_article11_document(
        &self,
        request: Request<GetArticle11DocumentRequest>,
    ) -> Result<Response<DocumentReply>, Status> {
        self.reply_any(request, documents::of_article_11, documents::document).await
    }

    async fn get_article_document(
        &self,
        request: Request<GetArticleDocumentRequest>,
    ) -> Result<Response<DocumentReply>, Status> {
        self.reply_any(request, documents::of_article, documents::document).await
    }

    async fn get_statistics(
        &self,
        request: Request<ComplianceStatisticsRequest>,
    ) -> Result<Response<ComplianceStatistics>, Status> {
        self.reply(request, controls::of_statistics, controls::statistics).await
    }

    async fn list_controls(
        &self,
        request: Request<ListControlsRequest>,
    ) -> Result<Response<ListControlsReply>, Status> {
        self.reply(request, controls::of_controls, controls::list).await
    }

    async fn get_control(
        &self,
        request: Request<GetControlRequest>,
    ) -> Result<Response<Control>, Status> {
        self.reply(request, controls::of_control, controls::control).await
    }

    async fn list_gaps(
        &self,
        request: Request<FrameworkRequest>,
    ) -> Result<Response<ListGapsReply>, Status> {
        self.reply(request, controls::of_gaps, controls::gaps).await
    }

    async fn get_report(
        &self,
        request: Request<FrameworkRequest>,
    ) -> Result<Response<FrameworkReport>, Status> {
        self.reply(request, controls::of_report, controls::report).await
    }

    async fn get_coverage(
        &self,
        request: Request<FrameworkRequest>,
    ) -> Result<Response<FrameworkCoverage>, Status> {
        self.reply(request, controls::of_coverage, controls::coverage).await
    }

    async fn link_control(
        &self,
        request: Request<LinkControlRequest>,
    ) -> Result<Response<LinkControlReply>, Status> {
        self.reply(request, controls::link, controls::linked).await
    }

    async fn attest_control(
        &self,
        request: Request<AttestControlRequest>,
    ) -> Result<Response<Control>, Status> {
        self.reply(request, controls::attest, controls::control).await
    }
}
