//! DataFusion as the engine sets it up.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, DataFusionError, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast;
use object_store::ObjectStore;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::plan::bounds;
use crate::plan::checked::CheckArithmetic;
use crate::plan::functions::{current_user, functions};
use crate::plan::growth;
use crate::plan::json::JsonOperators;
use crate::plan::math;
use crate::plan::memory::StatementMemory;
use crate::plan::patterns;
use crate::plan::sequential::{RunSequentially, execute_sequentially};
use crate::plan::spelling::respell;
use crate::plan::sum::checked_sum;
use crate::plan::types::Types;
use crate::scan::BLOBS_URL;
use crate::types::UserId;
use crate::values::ids::IdSource;

/// Functions, rules and settings that all statements of an engine share.
#[derive(Debug)]
pub struct Planner {
    base: SessionState,
    checked: CheckArithmetic,
    statement_bytes: usize,
    ids: Arc<IdSource>,
}

impl Planner {
    /// A planner whose scans read `blobs` and whose functions draw from `ids`.
    ///
    /// # Errors
    /// `Internal` when DataFusion refuses the settings.
    pub fn new(config: &Config, blobs: &Arc<dyn ObjectStore>, ids: &Arc<IdSource>) -> Result<Self> {
        let mut settings = SessionConfig::new()
            .with_target_partitions(config.execution.partitions)
            .with_information_schema(false);
        let options = settings.options_mut();
        options.sql_parser.map_string_types_to_utf8view = false;
        // Rows of a view, or of CHANGES, come in its order, as they do in PostgreSQL; where nobody looks at that,
        // the sort goes with the physical plan.
        options.sql_parser.enable_subquery_sort_elimination = false;
        options.execution.parquet.schema_force_view_types = false;
        options.execution.collect_statistics = false;
        let dynamic = config.pruning.dynamic;
        options.optimizer.enable_dynamic_filter_pushdown = dynamic;
        options.optimizer.enable_join_dynamic_filter_pushdown = dynamic;
        options.optimizer.enable_topk_dynamic_filter_pushdown = dynamic;
        options.optimizer.enable_aggregate_dynamic_filter_pushdown = dynamic;
        if cfg!(target_pointer_width = "32") {
            // Joins by an array over the range of keys compute that range in the width of a pointer, and fail
            // where it takes 64 bits (apache/datafusion#20995 covers only wider ones).
            options.execution.perfect_hash_join_small_build_threshold = 0;
            options.execution.perfect_hash_join_min_key_density = f64::INFINITY;
        }
        let mut expr_planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(JsonOperators)];
        expr_planners.extend(SessionStateDefaults::default_expr_planners());
        let mut scalar_functions = SessionStateDefaults::default_scalar_functions();
        growth::bound(&mut scalar_functions, config.query.memory_bytes);
        scalar_functions.extend(functions(ids));
        scalar_functions.extend(patterns::functions());
        let checked = math::checked(&scalar_functions);
        scalar_functions.extend(checked.into_iter().map(Arc::new));
        let base = SessionStateBuilder::new()
            .with_config(settings)
            .with_runtime_env(Arc::new(runtime(config, blobs)?))
            .with_expr_planners(expr_planners)
            .with_scalar_functions(scalar_functions)
            .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
            .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
            .with_window_functions(SessionStateDefaults::default_window_functions())
            .with_table_function_list(SessionStateDefaults::default_table_functions());
        let mut rules = PhysicalOptimizer::new().rules;
        if config.execution.partitions == 1 {
            rules.push(Arc::new(RunSequentially));
        }
        let mut base = base.with_physical_optimizer_rules(rules).build();
        base.register_function_rewrite(Arc::new(CheckArithmetic::new(config.query.memory_bytes)))?;
        base.register_udaf(checked_sum())?;
        let statement_bytes = config.query.memory_bytes;
        Ok(Self {
            base,
            checked: CheckArithmetic::new(statement_bytes),
            statement_bytes,
            ids: Arc::clone(ids),
        })
    }

    /// What makes ids.
    #[must_use]
    pub fn ids(&self) -> &IdSource {
        &self.ids
    }

    /// The state of one statement of `subject` that starts at `now_micros`.
    ///
    /// # Errors
    /// `Internal` when DataFusion refuses a function.
    pub fn state_of(&self, subject: &UserId, now_micros: i64) -> Result<SessionState> {
        let mut state = self.base.clone();
        state.register_udf(current_user(subject))?;
        let start = DateTime::<Utc>::from_timestamp_micros(now_micros).unwrap_or_default();
        let options = Arc::clone(state.config_options());
        let props = state.execution_props_mut();
        props.query_execution_start_time = Some(start);
        props.config_options = Some(options);
        Ok(state)
    }

    /// The rows of `plan`, a batch at a time.
    ///
    /// # Errors
    /// What DataFusion cannot start; with the rows, what running it reports, `LimitExceeded` among it when that
    /// takes more memory than a statement may hold.
    pub fn execute(
        &self,
        state: &SessionState,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<SendableRecordBatchStream> {
        let mut runtime = state.runtime_env().as_ref().clone();
        runtime.memory_pool =
            Arc::new(StatementMemory::new(Arc::clone(&runtime.memory_pool), self.statement_bytes));
        let task = Arc::new(TaskContext::from(state).with_runtime(Arc::new(runtime)));
        let rows = match state.config().target_partitions() {
            1 => execute_sequentially(plan, task),
            _ => execute_stream(plan, task),
        };
        Ok(rows?)
    }

    /// `expr` over the columns of `schema`, its names and functions resolved.
    ///
    /// # Errors
    /// What DataFusion cannot resolve or type.
    pub fn expression(&self, expr: &ast::Expr, schema: &DFSchema) -> Result<Expr> {
        let names = Names { state: &self.base, tables: Tables::new() };
        let options = ParserOptions::new().with_map_string_types_to_utf8view(false).with_collect_spans(true);
        let planner = SqlToRel::new_with_options(&names, options);
        let mut expr = expr.clone();
        respell(&mut expr)?;
        let planned = planner.sql_to_expr(expr, schema, &mut PlannerContext::new());
        planned.map_err(|e| names.explain(e))
    }

    /// `expr` with its types made to fit and what is constant at `now_micros` computed.
    ///
    /// # Errors
    /// What DataFusion cannot type or compute.
    pub fn simplified(&self, expr: Expr, schema: &DFSchema, now_micros: i64) -> Result<Expr> {
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(Arc::clone(self.base.config_options()))
            .with_query_execution_start_time(DateTime::from_timestamp_micros(now_micros))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expr = simplifier.coerce(self.checked.applied_to(expr, schema)?, schema)?;
        Ok(simplifier.simplify(expr)?)
    }

    /// A simplified `expr`, ready to be evaluated on rows of `schema`.
    ///
    /// # Errors
    /// What DataFusion cannot evaluate.
    pub fn physical_expression(&self, expr: Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self.base.create_physical_expr(expr, schema)?)
    }

    /// The logical plan of `query`, whose tables are `tables`.
    ///
    /// # Errors
    /// `NotFound` for unknown names, `InvalidInput` for what cannot be typed, `Unsupported` for what
    /// DataFusion does not plan.
    pub fn logical(state: &SessionState, tables: Tables, mut query: ast::Query) -> Result<LogicalPlan> {
        bounds::check(&query)?;
        respell(&mut query)?;
        let names = Names { state, tables };
        let options = ParserOptions::new().with_map_string_types_to_utf8view(false).with_collect_spans(true);
        let planner = SqlToRel::new_with_options(&names, options);
        let planned = planner.sql_statement_to_plan(ast::Statement::Query(Box::new(query)));
        planned.map_err(|e| names.explain(e))
    }
}

/// The tables of a statement by the name it uses.
pub type Tables = HashMap<TableReference, Arc<dyn TableSource>>;

fn runtime(config: &Config, blobs: &Arc<dyn ObjectStore>) -> Result<RuntimeEnv> {
    let memory = Arc::new(GreedyMemoryPool::new(config.execution.memory_bytes));
    let mut builder = RuntimeEnvBuilder::new().with_memory_pool(memory);
    if cfg!(target_family = "wasm") {
        // There is no temporary directory to spill to; asking for one panics.
        builder = builder
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled));
    }
    let runtime = builder.build()?;
    let url = ObjectStoreUrl::parse(BLOBS_URL).map_err(Error::from)?;
    runtime.register_object_store(url.as_ref(), Arc::clone(blobs));
    Ok(runtime)
}

/// Names of PostgreSQL's for functions that DataFusion calls otherwise.
const ALSO_CALLED: [(&str, &str); 7] = [
    ("ceiling", "ceil"),
    ("every", "bool_and"),
    ("gen_random_uuid", "uuid"),
    ("sign", "signum"),
    ("statement_timestamp", "now"),
    ("transaction_timestamp", "now"),
    ("variance", "var"),
];

fn also_called(name: &str) -> &str {
    ALSO_CALLED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}

struct Names<'a> {
    state: &'a SessionState,
    tables: Tables,
}

impl Names<'_> {
    /// What planning found, in our words and with the nearest function where one is missing.
    fn explain(&self, e: DataFusionError) -> Error {
        let functions = self.state.scalar_functions().keys();
        let functions = functions.chain(self.state.aggregate_functions().keys());
        let functions = functions.chain(self.state.window_functions().keys());
        Error::from(e).offering(functions.map(String::as_str))
    }
}

impl ContextProvider for Names<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>, DataFusionError> {
        let found = self.tables.get(&name).cloned();
        let missing = || Error::not_found(format!("there is no table {name}")).about_table(name.table());
        found.ok_or_else(|| missing().into())
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn TableSource>, DataFusionError> {
        let function = self.state.table_functions().get(name);
        let function = function.ok_or_else(|| {
            Error::not_found(format!("there is no table function {name}")).about(None, name)
        })?;
        // A function is given values: `DATE '2024-01-01'` and `1 + 2` are expressions until here.
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let (simplifier, no_columns) = (ExprSimplifier::new(context), DFSchema::empty());
        let value = |arg| match simplifier.simplify(simplifier.coerce(arg, &no_columns)?)? {
            // DataFusion's functions take timestamps in its own unit only.
            Expr::Literal(ScalarValue::TimestampMicrosecond(micros, zone), metadata) => {
                let unit = DataType::Timestamp(TimeUnit::Nanosecond, zone.clone());
                let value = ScalarValue::TimestampMicrosecond(micros, zone).cast_to(&unit)?;
                Ok(Expr::Literal(value, metadata))
            }
            value => Ok(value),
        };
        let args = args.into_iter().map(value).collect::<Result<Vec<_>, DataFusionError>>()?;
        let provider = function.create_table_provider_with_args(TableFunctionArgs::new(&args, self.state))?;
        Ok(provider_as_source(provider))
    }

    fn create_cte_work_table(
        &self,
        name: &str,
        schema: arrow::datatypes::SchemaRef,
    ) -> Result<Arc<dyn TableSource>, DataFusionError> {
        let table = datafusion::catalog::cte_worktable::CteWorkTable::new(name, schema);
        Ok(provider_as_source(Arc::new(table)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(also_called(name)).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(also_called(name)).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
